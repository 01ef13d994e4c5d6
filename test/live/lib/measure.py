"""What a measure is. See test/measure/run.py."""
import dataclasses


@dataclasses.dataclass
class Result:
    figure: str                 # what was measured, in words and numbers
    ok: bool                    # does it reach the goal?
    detail: dict = dataclasses.field(default_factory=dict)     # numbers for programs


@dataclasses.dataclass
class Measure:
    ident: str
    what: str
    goal: str
    anchor: str                 # the best known figure of another system, with its name
    limit_s: float
    fn: object


def measure(ident, what, goal, anchor="none published", limit_s=900):
    """Marks a function without arguments that returns a Result."""
    def mark(fn):
        fn.measure = Measure(ident, what, goal, anchor, limit_s, fn)
        return fn
    return mark


def of_module(mod):
    return [f.measure for f in vars(mod).values() if hasattr(f, "measure")]
