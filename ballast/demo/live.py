"""How the demo looks while it runs: a live view on a terminal, plain lines elsewhere. All on standard error."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from rich.console import Console, Group
from rich.live import Live
from rich.panel import Panel
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from ballast.demo.observation import WAD
from ballast.demo.simulation import Watcher
from ballast.demo.story import Story, percent

_COLOURS = ("magenta", "blue", "cyan")
_BLOCKS = "▁▂▃▄▅▆▇█"
_SPARK = 40
_LINES = 9
_BAR = 36


class Plain:
    """One line a day."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._day = -1
        self._said = ""

    def say(self, text: str) -> None:
        """Print what is being done, without the details that come after a number."""
        head = text.split("/")[0].rstrip("0123456789 ")
        if head != self._said:
            self._said = head
            self._console.print(text, highlight=False, markup=False, soft_wrap=True)

    def see(self, story: Story) -> None:
        """Print a line when a day is over."""
        sample = story.samples[-1]
        day = int(story.day(sample.timestamp))
        if day == self._day:
            return
        self._day = day
        weights = ", ".join(f"{name} {part:.0%}" for name, part in sample.weights().items())
        rates = ", ".join(f"{name} {percent(venue.rate_wad)}" for name, venue in sample.venues.items())
        self._console.print(
            f"day {day:>2}  share price {sample.share_price_wad / WAD:.6f}  weights {weights}  rates {rates}  "
            f"keeper sent {story.sent}, moved {len(story.moves)} times",
            highlight=False,
            markup=False,
            soft_wrap=True,
        )


class Screen:
    """A live view."""

    def __init__(self, live: Live) -> None:
        self._live = live

    def say(self, text: str) -> None:
        """Show what is being done before the days begin."""
        self._live.update(Text(text, style="dim"))

    def see(self, story: Story) -> None:
        """Show the present step."""
        self._live.update(picture(story))


@contextmanager
def watching(console: Console) -> Iterator[Watcher]:
    """Yield a view that fits the console."""
    if not console.is_terminal:
        yield Plain(console)
        return
    with Live(console=console, refresh_per_second=8) as live:
        yield Screen(live)


def picture(story: Story) -> Panel:
    """Return the state of a story as a panel."""
    sample = story.samples[-1]
    day = story.day(sample.timestamp)
    head = Table.grid(padding=(0, 2))
    head.add_row(
        "day", f"[bold]{day:.1f}[/bold] of {story.days}", ProgressBar(story.days, min(day, story.days), width=_BAR)
    )
    gain = sample.share_price_wad / WAD - 1
    prices = [each.share_price_wad / WAD for each in story.samples]
    head.add_row("share price", f"[bold]{sample.share_price_wad / WAD:.6f}[/bold] ({gain:+.3%})", spark(prices))
    head.add_row(
        "assets",
        story.amount(sample.total_assets + sample.locked_profit),
        f"[dim]{story.amount(sample.locked_profit, 2)} of it profit still locked[/dim]",
    )
    head.add_row(
        "gas", f"{sample.base_fee_wei / 10**9:.1f} gwei", f"[dim]keeper paid {story.amount(story.cost, 2)} so far[/dim]"
    )

    weights = sample.weights()
    best = sample.best_venue()
    markets = Table.grid(padding=(0, 2))
    for (name, venue), colour in zip(sample.venues.items(), _COLOURS, strict=False):
        star = "★" if name == best else " "
        markets.add_row(
            f"[{colour}]{name}[/{colour}]",
            f"[{colour}]{_bar(weights[name])}[/{colour}]",
            f"{weights[name]:>4.0%}",
            f"{percent(venue.rate_wad)} {star}",
            f"[dim]{percent(venue.utilisation_wad, 1)} lent out[/dim]",
        )
    markets.add_row("idle", f"[dim]{_bar(weights['idle'])}[/dim]", f"{weights['idle']:>4.0%}", "", "")
    return Panel(
        Group(head, Text(), markets, Text(), *_happened(story)),
        title="[bold]Ballast[/bold]: a vault, its markets, its keeper",
        border_style="cyan",
        padding=(1, 2),
    )


def _happened(story: Story) -> Sequence[Text]:
    """The last things done, by anyone."""
    lines = [(event.timestamp, event.day, event.who, event.text, "yellow") for event in story.events]
    lines += [
        (action.timestamp, action.day, "keeper", f"{action.contract} {action.text}", "green")
        for action in story.actions
        if action.transaction
    ]
    shown = []
    for _, day, who, text, style in sorted(lines)[-_LINES:]:
        line = Text(f"{day:6.1f}  ", style="dim", no_wrap=True, overflow="ellipsis")
        line.append(f"{who}  ", style=style)
        line.append(text, style="default")
        shown.append(line)
    return [*shown, *[Text() for _ in range(_LINES - len(shown))]]


def _bar(part: float) -> str:
    full = round(part * _BAR)
    return "█" * full + "░" * (_BAR - full)


def spark(values: Sequence[float]) -> str:
    """Return values as a line of blocks.

    >>> spark([0, 1, 2, 3])
    '▁▃▆█'
    """
    every = max(1, -(-len(values) // _SPARK))
    chosen = list(values)[::every]
    low, high = min(chosen), max(chosen)
    span = high - low or 1
    return "".join(_BLOCKS[round((value - low) / span * (len(_BLOCKS) - 1))] for value in chosen)
