"""A solver for halmos, run by its Python: words of 256 bits are read as whole numbers and handed to z3.

Products and quotients of unknowns, which are what a vault's arithmetic is made of, are out of reach for solvers that
work bit by bit; over whole numbers most are decided in a second. The reading is exact: a sum or product is taken modulo
2^256 wherever its bounds do not rule an overflow out. A fact that cannot be read so (a hash, say) is left out, and then
`sat` is answered with `unknown`.

usage: smt.py SECONDS FILE
"""

import re
import sys
from collections import defaultdict

import z3


class Unreadable(Exception):
    """An operation that has no plain counterpart over whole numbers."""


class Reader:
    """Reads z3's words as integers with bounds."""

    def __init__(self, assertions: list) -> None:
        self.known: dict[int, tuple] = {}
        self.divided: dict[tuple, tuple] = {}
        self.keep: list = []  # z3 reuses the ids of what is gone
        self.limits = dict(limit for assertion in assertions for limit in _limits(assertion))
        self.facts: list = []
        self.left_out = False
        for assertion in assertions:
            if assertion.decl().kind() == z3.Z3_OP_EQ and z3.is_array(assertion.arg(0)):
                continue  # a name for ether balances, which no rule reads
            try:
                # appended to, not replaced: reading a word may add what bounds it
                self.facts.append(self.truth(assertion))
            except Unreadable:
                # What follows without a fact follows with it too; one about hashes or empty storage alone says nothing.
                text = assertion.sexpr()
                self.left_out |= "p_" in text or not ("sha3_" in text or "select" in text)

    def truth(self, e):
        kind, args = e.decl().kind(), e.children()
        if kind in (z3.Z3_OP_TRUE, z3.Z3_OP_FALSE):
            return e
        if kind == z3.Z3_OP_NOT:
            return z3.Not(self.truth(args[0]))
        if kind in (z3.Z3_OP_AND, z3.Z3_OP_OR):
            return (z3.And if kind == z3.Z3_OP_AND else z3.Or)(*map(self.truth, args))
        if kind == z3.Z3_OP_ITE:
            return z3.If(*map(self.truth, args))
        if kind == z3.Z3_OP_IMPLIES:
            return z3.Implies(*map(self.truth, args))
        if kind in (z3.Z3_OP_EQ, z3.Z3_OP_DISTINCT):
            if len(args) != 2 or z3.is_array(args[0]):
                raise Unreadable(e.decl().name())
            if z3.is_bool(args[0]):
                same = self.truth(args[0]) == self.truth(args[1])
            elif limit := _limit(e):
                same = self.word(limit[0])[0] <= limit[1]
            else:
                same = self.word(args[0])[0] == self.word(args[1])[0]
            return same if kind == z3.Z3_OP_EQ else z3.Not(same)
        compare = {
            z3.Z3_OP_ULEQ: lambda a, b: a <= b,
            z3.Z3_OP_ULT: lambda a, b: a < b,
            z3.Z3_OP_UGEQ: lambda a, b: a >= b,
            z3.Z3_OP_UGT: lambda a, b: a > b,
        }
        if kind in compare:
            return compare[kind](self.word(args[0])[0], self.word(args[1])[0])
        raise Unreadable(e.decl().name())

    def word(self, e) -> tuple:
        """Return the number that `e` stands for, and its bounds."""
        if e.get_id() not in self.known:
            self.keep.append(e)
            number, low, high = self._word(e)
            limit = self.limits.get(e.get_id(), high)
            if limit < high:
                self.facts.append(number <= limit)
                high = limit
            self.known[e.get_id()] = number, low, high
        return self.known[e.get_id()]

    def _word(self, e) -> tuple:
        kind, args, size = e.decl().kind(), e.children(), e.size()
        if kind == z3.Z3_OP_BNUM:
            return z3.IntVal(e.as_long()), e.as_long(), e.as_long()
        if kind == z3.Z3_OP_UNINTERPRETED:
            name = e.decl().name()
            abstract = re.match(r"f_evm_(bvmul|bvudiv|bvurem)_\d+$", name)
            if abstract:
                return self._operate(abstract.group(1), args, size)
            if args and not (name.startswith("f_sha3_") and all(map(z3.is_bv_value, args))):
                raise Unreadable(name)
            # the hash of a known word is some word
            number, top = z3.Int(f"{name}_{len(self.known)}" if args else name), 2**size - 1
            self.facts += [number >= 0, number <= top]
            return number, 0, top
        operations = {
            z3.Z3_OP_BADD: "bvadd",
            z3.Z3_OP_BSUB: "bvsub",
            z3.Z3_OP_BMUL: "bvmul",
            z3.Z3_OP_BUDIV: "bvudiv",
            z3.Z3_OP_BUDIV_I: "bvudiv",
            z3.Z3_OP_BUREM: "bvurem",
            z3.Z3_OP_BUREM_I: "bvurem",
        }
        if kind in operations:
            if operations[kind] in ("bvudiv", "bvurem") and not self.word(args[1])[1]:
                raise Unreadable("a division that may be by zero, which is not the machine's")
            return self._operate(operations[kind], args, size)
        if kind == z3.Z3_OP_ITE:
            yes, no = self.word(args[1]), self.word(args[2])
            return z3.If(self.truth(args[0]), yes[0], no[0]), min(yes[1], no[1]), max(yes[2], no[2])
        if kind == z3.Z3_OP_CONCAT:
            number, low, high = self.word(args[0])
            for arg in args[1:]:
                part, least, most = self.word(arg)
                scale = 2 ** arg.size()
                number, low, high = (number * scale + part if high else part), low * scale + least, high * scale + most
            return number, low, high
        if kind == z3.Z3_OP_EXTRACT:
            top, bottom = e.params()
            number, low, high = self.word(args[0])
            if bottom:
                (number, _), low, high = self._divide(number, z3.IntVal(2**bottom)), low >> bottom, high >> bottom
            return self._modulo(number, low, high, top - bottom + 1)
        if kind == z3.Z3_OP_BNOT:
            number, low, high = self.word(args[0])
            return 2**size - 1 - number, 2**size - 1 - high, 2**size - 1 - low
        if kind == z3.Z3_OP_BLSHR and z3.is_bv_value(args[1]):
            number, low, high = self.word(args[0])
            by = min(args[1].as_long(), size)
            return self._divide(number, z3.IntVal(2**by))[0], low >> by, high >> by
        raise Unreadable(e.decl().name())

    def _operate(self, name: str, args: list, size: int) -> tuple:
        words = [self.word(arg) for arg in args]
        if name in ("bvadd", "bvsub"):
            return self._modulo(*self._sum(args, size, name == "bvsub"), size)
        if name == "bvmul":
            number, low, high = words[0]
            for other, least, most in words[1:]:
                number, low, high = number * other, low * least, high * most
            return self._modulo(number, low, high, size)
        (a, low, high), (b, least, most) = words
        quotient, rest = self._divide(a, b, maybe_zero=not least)
        if name == "bvudiv":
            return quotient, 0 if not least else low // most, high // max(least, 1)
        return rest, 0, min(high, max(most - 1, 0))

    def _divide(self, a, b, *, maybe_zero: bool = False) -> tuple:
        """Return quotient and remainder as unknowns of their own: what the solver is good at is sums of products."""
        key = a.get_id(), b.get_id()
        if key not in self.divided:
            self.keep += [a, b]
            quotient, rest = z3.Int(f"quotient_{len(self.divided)}"), z3.Int(f"rest_{len(self.divided)}")
            holds = [a == b * quotient + rest, rest >= 0, rest < b, quotient >= 0]
            # the machine's division by zero is zero, and so is the remainder
            self.facts += [z3.If(b == 0, z3.And(quotient == 0, rest == 0), z3.And(holds))] if maybe_zero else holds
            self.divided[key] = quotient, rest
        return self.divided[key]

    def _sum(self, args: list, size: int, subtract: bool) -> tuple:
        """Return a sum whose like terms are taken together, so that its bounds are those of what is left."""
        factors: dict[int, int] = defaultdict(int)
        parts, constant = {}, 0
        for place, arg in enumerate(args):
            sign = -1 if subtract and place else 1
            for term, factor in self._terms(arg, size):
                if term is None:
                    constant += sign * factor
                else:
                    factors[term.get_id()] += sign * factor
                    parts[term.get_id()] = term
        number, low, high = z3.IntVal(constant), constant, constant
        for key, factor in factors.items():
            part, least, most = self.word(parts[key])
            number = number + factor * part
            low += min(factor * least, factor * most)
            high += max(factor * least, factor * most)
        return z3.simplify(number), low, high

    def _terms(self, e, size: int):
        """Yield the terms of a sum with their factors, modulo 2^256: 2^256 - 1 is -1. A number comes without a term."""
        half, top = 2 ** (size - 1), 2**size
        if z3.is_bv_value(e):
            yield None, e.as_long() - (top if e.as_long() >= half else 0)
        elif e.decl().kind() == z3.Z3_OP_BADD:
            for arg in e.children():
                yield from self._terms(arg, size)
        elif e.decl().kind() == z3.Z3_OP_BMUL and e.num_args() == 2 and z3.is_bv_value(e.arg(0)):
            value = e.arg(0).as_long()
            for term, factor in self._terms(e.arg(1), size):
                yield term, factor * (value - (top if value >= half else 0))
        else:
            yield e, 1

    def _modulo(self, number, low: int, high: int, size: int) -> tuple:
        top = 2**size
        if low >= 0 and high < top:
            return number, low, high
        if -top <= low and high < top:
            wrapped = z3.Int(f"wrapped_{len(self.facts)}")
            self.facts.append(z3.If(number < 0, wrapped == number + top, wrapped == number))
            return wrapped, 0, top - 1
        # shifted, so that what is divided is not negative
        shift = -(low // top) * top if low < 0 else 0
        return self._divide(number + shift, z3.IntVal(top))[1], 0, top - 1


def _limits(e):
    """Yield the ids of words and the highest value that `e`, a fact, leaves them."""
    if e.decl().kind() == z3.Z3_OP_AND:
        for part in e.children():
            yield from _limits(part)
    elif e.decl().kind() == z3.Z3_OP_EQ and z3.is_bv(e.arg(0)) and (limit := _limit(e)):
        yield limit[0].get_id(), limit[1]


def _limit(e) -> tuple | None:
    """Return a word and its highest value, when that is what `e`, an equality, comes to.

    Read are `x = concat(0, extract(n, 0, x))`, how halmos says that a type is narrower, and `extract(top, n, x) = 0`.
    """
    for left, right in (e.children(), reversed(e.children())):
        if right.decl().kind() == z3.Z3_OP_CONCAT and right.num_args() == 2:
            zero, part = right.children()
            narrow = part.decl().kind() == z3.Z3_OP_EXTRACT and part.params()[1] == 0
            if _is_zero(zero) and narrow and part.arg(0).eq(left):
                return left, 2 ** part.size() - 1
        if _is_zero(right) and left.decl().kind() == z3.Z3_OP_EXTRACT:
            top, bottom = left.params()
            if top == left.arg(0).size() - 1:
                return left.arg(0), 2**bottom - 1
    return None


def _is_zero(e) -> bool:
    return z3.is_bv_value(e) and e.as_long() == 0


def solve(path: str, seconds: int) -> str:
    """Return what a solver would print for the query in `path`."""
    with open(path) as file:
        text = re.sub(r"\((check-sat|get-model|get-unsat-core)\)", "", file.read())
    text = re.sub(
        r"\(define-fun (f_evm_bv\w+) \(\(x (.*?\))\) \(y .*?\)\)\) (\(.*?\)) .*\)", r"(declare-fun \1 (\2 \2) \3)", text
    )
    reader = Reader(list(z3.parse_smt2_string(text)))
    solver = z3.Solver()
    solver.set("timeout", seconds * 1000)
    solver.add(*reader.facts)
    answer = solver.check()
    if answer != z3.sat:
        return str(answer)
    if reader.left_out:
        return "unknown"
    model = solver.model()
    values = [
        f"  (define-fun {name} () (_ BitVec 256) #x{model[name].as_long():064x})"
        for name in model.decls()
        if name.name().startswith("p_")
    ]
    return "\n".join(["sat", "(", *values, ")"])


if __name__ == "__main__":
    print(solve(sys.argv[2], int(sys.argv[1])))
