"""A failing policy shows the values that it compared. The compiler that the tests started ends with them."""

from collections.abc import Iterator

import pytest

pytest.register_assert_rewrite("tests.infra.policies")


@pytest.fixture(scope="session", autouse=True)
def _compiler_ends() -> Iterator[None]:
    from tests.infra.templates import end_compiler  # noqa: PLC0415 - after the rewrite of the policies is registered

    yield
    end_compiler()
