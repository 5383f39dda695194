"""What the models of dynamics share: records in time, the prior of responses, words, drifts."""
