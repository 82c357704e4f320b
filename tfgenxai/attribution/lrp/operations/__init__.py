"""What each TensorFlow operation means as steps of a `Network`."""

from tfgenxai.attribution.lrp.operations.arithmetic import ARITHMETIC
from tfgenxai.attribution.lrp.operations.kernels import KERNELS
from tfgenxai.attribution.lrp.operations.layers import LAYERS
from tfgenxai.attribution.lrp.operations.layout import Translation
from tfgenxai.attribution.lrp.operations.routes import ROUTES

#: A translation for every type of operation that LRP knows; a `Reader` calls it.
OPERATIONS: dict[str, Translation] = {**ROUTES, **KERNELS, **ARITHMETIC, **LAYERS}
