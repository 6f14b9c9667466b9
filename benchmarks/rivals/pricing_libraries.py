"""Options priced, and volatilities implied, by a library of its own environment; a process for each measurement.

python pricing_libraries.py LIBRARY TASK ARRAYS.npz REPEATS

ARRAYS has future, strike, years, volatility, discount, is_call and price. Writes seconds on the clock and of the
processor, a line a repeat, and last the largest relative error of the volatilities, or of the prices. What is loaded,
compiled or laid out first is not timed.
"""

import sys
import time
import warnings

import numpy as np

RATE = 0.04
"""The one that the arrays are discounted with."""


def lbriv_implied(given):
    """One strike a call: everything is measured in strikes, which changes no volatility."""
    import lbriv

    future, strike = given["future"] / given["strike"], given["strike"]
    value = given["price"] / given["discount"] / strike
    is_call = given["is_call"]

    def run():
        total = np.empty(len(value))
        for flag in (True, False):
            mine = is_call == flag
            total[mine] = lbriv.vectorized_implied_vol(value[mine], future[mine], 1.0, 1 if flag else -1)
        return total / np.sqrt(given["years"])

    return run


def opengreeks_greeks(given):
    """A flag and a rate a call: the arrays are cut at both before, which is not timed."""
    from opengreeks import black76

    parts = [_calls(given, flag) for flag in "cp"]
    names = ("black", "delta", "gamma", "vega", "theta")
    functions = [getattr(black76, f"{name}_array") for name in names]

    def run():
        found = np.empty(len(given["price"]))
        for flag, mine, terms in parts:
            columns = [one(flag, *terms, RATE, given["volatility"][mine]) for one in functions]
            found[mine] = columns[0]
        return found

    return run


def opengreeks_implied(given):
    from opengreeks import black76

    parts = [_calls(given, flag) for flag in "cp"]

    def run():
        found = np.empty(len(given["price"]))
        for flag, mine, (future, strike, years) in parts:
            found[mine] = black76.implied_volatility_array(given["price"][mine], future, strike, RATE, years, flag)
        return found

    return run


def _calls(given, flag):
    mine = given["is_call"] == (flag == "c")
    return flag, mine, tuple(np.ascontiguousarray(given[name][mine]) for name in ("future", "strike", "years"))


def vollib_greeks(given):
    from py_vollib_vectorized import get_all_greeks, vectorized_black

    flag = np.where(given["is_call"], "c", "p")
    rate = -np.log(given["discount"]) / given["years"]
    terms = (flag, given["future"], given["strike"], given["years"], rate, given["volatility"])

    def run():
        get_all_greeks(*terms, model="black", return_as="dict")
        return np.asarray(vectorized_black(*terms, return_as="numpy")).ravel()

    return run


def vollib_implied(given):
    from py_vollib_vectorized import vectorized_implied_volatility_black

    flag = np.where(given["is_call"], "c", "p")
    rate = -np.log(given["discount"]) / given["years"]
    terms = (given["price"], given["future"], given["strike"], rate, given["years"], flag)

    def run():
        return np.asarray(vectorized_implied_volatility_black(*terms, return_as="numpy")).ravel()

    return run


def numba_greeks(given):
    """A loop over the same formulas, compiled: what somebody who knows numba writes in ten minutes."""
    import math

    import numba

    @numba.njit
    def loop(future, strike, years, volatility, discount, is_call, out):
        for i in range(len(future)):
            root = math.sqrt(years[i])
            total = volatility[i] * root
            d1 = math.log(future[i] / strike[i]) / total + total / 2
            sign = 1.0 if is_call[i] else -1.0
            reached = 0.5 * math.erfc(-sign * d1 / math.sqrt(2.0))
            owed = 0.5 * math.erfc(-sign * (d1 - total) / math.sqrt(2.0))
            density = math.exp(-d1 * d1 / 2) / math.sqrt(2 * math.pi)
            price = discount[i] * sign * (future[i] * reached - strike[i] * owed)
            out[0, i] = price
            out[1, i] = discount[i] * sign * reached
            out[2, i] = discount[i] * density / (future[i] * total)
            out[3, i] = discount[i] * future[i] * density * root
            decay = discount[i] * future[i] * density * volatility[i] / (2 * root)
            out[4, i] = (-math.log(discount[i]) * price / years[i] - decay) / 365

    out = np.empty((5, len(given["future"])))
    names = ("future", "strike", "years", "volatility", "discount", "is_call")
    terms = [given[name] for name in names]

    def run():
        loop(*terms, out)
        return out[0]

    return run


TASKS = {
    ("opengreeks", "greeks"): opengreeks_greeks,
    ("opengreeks", "implied"): opengreeks_implied,
    ("lbriv", "implied"): lbriv_implied,
    ("py-vollib-vectorized", "greeks"): vollib_greeks,
    ("py-vollib-vectorized", "implied"): vollib_implied,
    ("numba loop", "greeks"): numba_greeks,
}


def main():
    library, task, file, repeats = sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4])
    warnings.simplefilter("ignore")
    given = dict(np.load(file, allow_pickle=False))
    run = TASKS[library, task](given)
    found = run()
    for _ in range(repeats):
        wall, cpu = time.perf_counter(), time.process_time()
        found = run()
        print(time.perf_counter() - wall, time.process_time() - cpu)
    truth = given["volatility" if task == "implied" else "price"]
    print(np.nanmax(np.abs(found - truth) / truth) if np.isfinite(found).any() else np.nan)


if __name__ == "__main__":
    main()
