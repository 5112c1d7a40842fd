"""A solver for halmos, run by its Python: words of 256 bits are read as whole numbers and handed to cvc5.

Products and quotients of unknowns, which are what a vault's arithmetic is made of, are out of reach for solvers that
work bit by bit; over whole numbers they are decided in seconds. The reading is exact: a sum or product is taken modulo
2^256 wherever its bounds do not rule an overflow out, and what cannot be read so is answered with `unknown`.

usage: smt.py SECONDS FILE
"""

import re
import sys

import cvc5
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
        # appended to, not replaced: reading a word may add what bounds it
        for assertion in assertions:
            self.facts.append(self.truth(assertion))

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
            if z3.is_array(args[0]):
                return z3.BoolVal(True)  # balances, which no rule reads: leaving a fact out can only lose proofs
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
            if args:
                raise Unreadable(name)
            number, top = z3.Int(name), 2**size - 1
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
            total, low, high = words[0]
            # a term times -1 is a subtraction
            terms = [self._signed(arg, size) for arg in args]
            if name == "bvsub":
                terms[1:] = [(-n, -h, -m) for n, m, h in terms[1:]]
            total, low, high = (
                z3.Sum([n for n, _, _ in terms]),
                sum(m for _, m, _ in terms),
                sum(h for _, _, h in terms),
            )
            return self._modulo(total, low, high, size)
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

    def _signed(self, e, size: int) -> tuple:
        if e.decl().kind() == z3.Z3_OP_BMUL and z3.is_bv_value(e.arg(0)) and e.arg(0).as_long() >= 2 ** (size - 1):
            factor = e.arg(0).as_long() - 2**size
            number, low, high = self.word(e.arg(1))
            if e.num_args() == 2:
                return factor * number, factor * high, factor * low
        if z3.is_bv_value(e) and e.as_long() >= 2 ** (size - 1):
            value = e.as_long() - 2**size
            return z3.IntVal(value), value, value
        return self.word(e)

    def _modulo(self, number, low: int, high: int, size: int) -> tuple:
        top = 2**size
        if low >= 0 and high < top:
            return number, low, high
        if -top <= low and high < top:
            return z3.If(number < 0, number + top, number), 0, top - 1
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
    try:
        reader = Reader(list(z3.parse_smt2_string(text)))
    except Unreadable:
        return "unknown"
    plain = z3.Solver()
    plain.add(*reader.facts)
    terms = cvc5.TermManager()
    solver = cvc5.Solver(terms)
    solver.setOption("tlimit-per", str(seconds * 1000))
    solver.setOption("produce-models", "true")
    parser = cvc5.InputParser(solver)
    symbols = parser.getSymbolManager()
    parser.setStringInput(
        cvc5.InputLanguage.SMT_LIB_2_6, "(set-logic QF_NIA)\n" + re.sub(r"\(set-info.*\)", "", plain.to_smt2()), "query"
    )
    answer = "unknown"
    while not (command := parser.nextCommand()).isNull():
        answer = command.invoke(solver, symbols).strip() or answer
    if answer != "sat":
        return answer
    model = [
        f"  (define-fun {t.getSymbol()} () (_ BitVec 256) #x{int(str(solver.getValue(t))):064x})"
        for t in symbols.getDeclaredTerms()
        if t.getSymbol().startswith("p_")
    ]
    return "\n".join(["sat", "(", *model, ")"])


if __name__ == "__main__":
    print(solve(sys.argv[2], int(sys.argv[1])))
