"""A failing policy shows the values that it compared."""

import pytest

pytest.register_assert_rewrite("tests.infra.policies")
