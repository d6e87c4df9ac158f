"""Options that several commands take, each written once."""

from collections.abc import Callable
from functools import wraps
from inspect import Parameter, Signature, signature
from typing import Any, Final

SAID: Final = "said"

Command = Callable[..., None]


def takes(options: Callable[..., Any]) -> Callable[[Command], Command]:
    """The command takes the parameters of `options` beside its own.

    What `options` makes of them is given to it as `said`: so the options, their help and their
    meaning are that one function.
    """
    shared = signature(options, eval_str=True).parameters

    def decorate(command: Command) -> Command:
        own = signature(command, eval_str=True).parameters
        both = [each for name, each in own.items() if name != SAID] + [*shared.values()]

        @wraps(command)
        def run(**values: Any) -> None:
            made = options(**{name: values.pop(name) for name in shared})
            command(**values, **{SAID: made})

        # What the command line is made of, and its help.
        parameters = [each.replace(kind=Parameter.KEYWORD_ONLY) for each in both]
        run.__signature__ = Signature(parameters)  # type: ignore[attr-defined]
        run.__annotations__ = {each.name: each.annotation for each in parameters}
        return run

    return decorate
