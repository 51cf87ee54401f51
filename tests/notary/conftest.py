from __future__ import annotations

import pytest

from .hashed_rows import HashRows, compiled, in_python


@pytest.fixture(params=[in_python, compiled])
def hash_rows(request: pytest.FixtureRequest) -> HashRows:
    function: HashRows = request.param
    return function
