"""What the data can say of each assumption: tests on cells, each with what it can and cannot tell."""
