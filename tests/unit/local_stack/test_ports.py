import pytest

from local import ports
from local.ports import Ports, StackError


def test_no_two_stacks_are_given_the_same_ports(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ports, "_BASES", range(19_000, 19_014, 7))

    assert {Ports.free().base, Ports.free().base} == {19_000, 19_007}
    with pytest.raises(StackError, match="no seven free ports"):
        Ports.free()
