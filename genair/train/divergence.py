"""What to say of a run that left the finite numbers: when, and what it probably was."""

from genair.config import TrainConfig
from genair.errors import InputError


def not_finite(epoch: int, config: TrainConfig, *, calibrates: bool = False) -> InputError:
    """Return the error of a run that diverged.

    Args:
        epoch: that it diverged in, 1 the first.
        config: the stage's settings.
        calibrates: whether it was calibration's part of the loss that did, and not recommendation's.
    """
    weight = "--alpha" if config.joint.alpha else "--calibrate-weight"
    if calibrates:
        cause = f"calibration weighs too much: lower {weight}"
    elif config.precision == "fp16":
        cause = "use --precision bf16 or fp32, or lower --learning-rate"
    else:
        cause = f"lower --learning-rate{f' or {weight}' if config.joint.is_on() else ''}"
    return InputError(f"the loss is not finite in epoch {epoch}: {cause}")
