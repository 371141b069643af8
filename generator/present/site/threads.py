"""One thread for linear algebra.

Threads of a linear algebra library spin while they wait for each other. On a busy machine that
costs several times what they save on matrices of this size.
"""

from __future__ import annotations

from threadpoolctl import threadpool_limits


def one_thread(*, analyses: bool) -> threadpool_limits:
    """Limit linear algebra to one thread, until the end of a ``with`` block if there is one.

    A limit reaches the libraries that are loaded. scipy brings one of its own and is loaded late,
    so it is loaded here first where it will be needed.

    Args:
        analyses: whether records will be analyzed, for which scipy is needed.
    """
    if analyses:
        import scipy.linalg  # noqa: F401, PLC0415 - late: it takes half a second
    return threadpool_limits(limits=1, user_api="blas")
