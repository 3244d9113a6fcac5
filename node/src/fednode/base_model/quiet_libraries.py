"""Keeps libraries from writing to the console."""

import logging
import warnings


def quiet() -> None:
    """Keep the libraries' banners and progress bars off the console, because our callbacks show progress."""
    logging.getLogger("bitsandbytes").setLevel(logging.ERROR)
    from transformers.utils import logging as transformers_logging

    transformers_logging.set_verbosity_error()
    transformers_logging.disable_default_handler()  # its errors go to the log, like all lines
    transformers_logging.enable_propagation()
    transformers_logging.disable_progress_bar()
    # peft asks for an option that it then sets by itself, module by module, as each holds its weight
    warnings.filterwarnings("ignore", message="fan_in_fan_out is set to", category=UserWarning)
    # peft 0.21 still asks transformers under the old name
    warnings.filterwarnings("ignore", message=".*gradient_checkpointing.* is deprecated", category=FutureWarning)
