"""The field's six metrics on counts: predicted cells and measured cells under one test and one profile."""
