"""Evaluation: methods on the same splits, statistical tests, leakage, partly labeled cohorts."""

from skmmcl.model_selection._bootstrap import bootstrap_interval
from skmmcl.model_selection._compare import compare
from skmmcl.model_selection._cross_fit import CrossFitTransformer
from skmmcl.model_selection._delong import delong_interval, delong_test
from skmmcl.model_selection._evaluate import Fit
from skmmcl.model_selection._labeled import LabeledOnly
from skmmcl.model_selection._leakage import Leak, check_leakage
from skmmcl.model_selection._linear_probe import LinearProbe, linear_probe_search
from skmmcl.model_selection._nested import nested_search
from skmmcl.model_selection._permutation import permutation_test
from skmmcl.model_selection._result import ComparisonResult
from skmmcl.model_selection._scorer import labeled_scorer
from skmmcl.model_selection._splitters import BalancedGroupKFold, LeaveSitesOut
from skmmcl.model_selection._ttests import bayesian_ttest, corrected_ttest, holm

__all__ = [
    "BalancedGroupKFold",
    "ComparisonResult",
    "CrossFitTransformer",
    "Fit",
    "LabeledOnly",
    "Leak",
    "LeaveSitesOut",
    "LinearProbe",
    "bayesian_ttest",
    "bootstrap_interval",
    "check_leakage",
    "compare",
    "corrected_ttest",
    "delong_interval",
    "delong_test",
    "holm",
    "labeled_scorer",
    "linear_probe_search",
    "nested_search",
    "permutation_test",
]
