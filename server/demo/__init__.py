"""``lognotary demo``: a self-contained demonstration in a temporary directory."""

from __future__ import annotations

from server.commands.output import complain

__all__ = ["run_demo"]


def run_demo(*, keep: bool = False) -> int:
    """Run the demo.

    Args:
        keep: True to leave the server running after the story, until Ctrl-C.

    Returns:
        0 if every step showed what it should, 1 if one did not, 2 if the demo cannot run.
    """
    try:
        # Here and not above: every other command works without the OpenTelemetry SDK.
        from server.demo.story import tell
    except ModuleNotFoundError as error:
        if not (error.name or "").startswith("opentelemetry"):
            raise
        complain(
            "the demo sends its records through the OpenTelemetry SDK, which is not installed. "
            "Install it with: pip install 'lognotary[demo]'"
        )
        return 2
    return tell(keep=keep)
