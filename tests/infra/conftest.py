"""A policy that fails shows what it saw."""

import pytest

pytest.register_assert_rewrite("tests.infra.policies")
