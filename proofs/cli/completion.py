"""``claimcheck completion``."""

from __future__ import annotations

import click

VARIABLE = "_CLAIMCHECK_COMPLETE"
"""What the shell's function sets to query what may come next."""


@click.command(
    short_help="completion in bash, zsh and fish",
    epilog="""\b
Examples:
  claimcheck completion bash > ~/.local/share/bash-completion/completions/claimcheck
  claimcheck completion zsh > ~/.zfunc/_claimcheck
  claimcheck completion fish > ~/.config/fish/completions/claimcheck.fish
  source <(claimcheck completion bash)""",
)
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_context
def completion(ctx: click.Context, shell: str) -> None:
    """Print what a shell has to read, so that it completes verbs, options, and the names that they take.

    Of zsh the folder has to be in `fpath` before `compinit`.
    """
    from click.shell_completion import get_completion_class

    found = get_completion_class(shell)
    assert found is not None
    click.echo(found(ctx.find_root().command, {}, "claimcheck", VARIABLE).source(), nl=False)
