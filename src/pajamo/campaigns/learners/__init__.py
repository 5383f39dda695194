"""What learns from results and predicts candidates: one small adapter for each kind of model.

By name and settings (`registry.learner`): "bayesian-linear", "gaussian-process", "random-forest", "extra-trees".
Around a model of a user's own: any scikit-learn estimator (`estimators.from_sklearn`), any torch module
(`torch_ensemble.DeepEnsemble`, `torch_dropout.MonteCarloDropout`, `torch_laplace.LastLayerLaplace`), a Gaussian
process of GPyTorch (`gpytorch_models.GPyTorch`), and any function that says how sure it is
(`functions.FunctionLearner`, `functions.given`). Importing this package imports none of them.
"""
