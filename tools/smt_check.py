"""Hold the reading of tools/smt.py against z3's own arithmetic of words, on random formulas over short words.

`make prove` runs it first: a wrong reading could prove what is false.
"""

import random
import sys

import smt
import z3

BITS = 4
FORMULAS = 200


def word(draw: random.Random, unknowns: list, depth: int):
    """Return a random word of the kinds that halmos writes."""
    if depth == 0:
        return draw.choice([*unknowns, z3.BitVecVal(draw.randrange(2**BITS), BITS)])
    a, b = word(draw, unknowns, depth - 1), word(draw, unknowns, depth - 1)
    constant = z3.BitVecVal(draw.randrange(1, 2**BITS), BITS)
    cut = draw.randrange(1, BITS)
    return draw.choice(
        [
            lambda: a + b,
            lambda: a - b,
            lambda: a * b,
            lambda: z3.UDiv(a, constant),
            lambda: z3.URem(a, constant),
            lambda: z3.If(b == 0, z3.BitVecVal(0, BITS), z3.UDiv(a, z3.If(b == 0, z3.BitVecVal(1, BITS), b))),
            lambda: ~a,
            lambda: z3.LShR(a, cut),
            lambda: z3.Concat(z3.BitVecVal(0, BITS - cut), z3.Extract(cut - 1, 0, a)),
            lambda: z3.Concat(z3.Extract(cut - 1, 0, a), z3.Extract(BITS - 1, cut, b)),
            lambda: z3.If(z3.ULE(a, b), a, b),
        ]
    )()


def fact(draw: random.Random, unknowns: list):
    """Return a random comparison of words, or two of them joined."""
    a, b = word(draw, unknowns, 2), word(draw, unknowns, 2)
    cut = draw.randrange(1, BITS)
    narrow = z3.Concat(z3.BitVecVal(0, BITS - cut), z3.Extract(cut - 1, 0, a))
    some = draw.choice([a == b, z3.ULE(a, b), z3.ULT(a, b), a == narrow, z3.Extract(BITS - 1, cut, a) == 0])
    if draw.random() < 0.3:
        some = z3.Not(some)
    return draw.choice([z3.And, z3.Or])(some, z3.ULE(b, a)) if draw.random() < 0.3 else some


def main() -> None:
    """Exit with a message at the first formula on which the two differ."""
    draw = random.Random(1)
    unknowns = [z3.BitVec("p_x", BITS), z3.BitVec("p_y", BITS)]
    decided = 0
    for _ in range(FORMULAS):
        facts = [fact(draw, unknowns) for _ in range(draw.randrange(1, 4))]
        words, plain = z3.Solver(), z3.Solver()
        words.add(*facts)
        reader = smt.Reader(facts)
        plain.add(*reader.facts)
        plain.set("timeout", 300)
        answer, read = words.check(), plain.check()
        if z3.unknown in (answer, read) or (reader.left_out and read == z3.sat):
            continue
        decided += 1
        if answer != read:
            sys.exit(f"the reading of {facts} is {read}, but it is {answer}")
    if decided < FORMULAS // 2:
        sys.exit(f"only {decided} of {FORMULAS} formulas were decided")
    print(f"{decided} formulas read as they are")


if __name__ == "__main__":
    main()
