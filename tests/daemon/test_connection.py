import asyncio
import logging

import pytest

from daemon.connection import Limits
from tests.daemon.conftest import Run
from tests.daemon.fakes import Line


def negotiated(limits: Limits = Limits()) -> Line:  # noqa: B008 - frozen
    line = Line(limits)
    line.connection.data_received(b"hello\n")
    line.sent()
    return line


def test_a_client_is_greeted_before_it_says_anything() -> None:
    assert Line().sent() == [b"welcome\n"]


def test_replies_to_one_segment_are_one_write_in_the_order_of_the_requests() -> None:
    line = negotiated()
    line.connection.data_received(b"a\n!wrong\nb\n")
    assert line.sent() == [b"did a\nwrong\ndid b\n"]


def test_the_clock_is_brought_to_the_present_before_a_batch_and_pumped_after_it() -> None:
    line = negotiated()
    line.pump.calls.clear()
    line.connection.data_received(b"a\nb\n")
    assert line.pump.calls == ["sync", "kick"]


def test_an_event_precedes_the_reply_of_the_command_that_causes_it() -> None:
    line = negotiated()
    line.connection.data_received(b"a\nstop\nb\n")
    assert line.sent() == [b"did a\nSTOP\ndid stop\ndid b\n"]


def test_no_event_goes_to_a_client_that_has_not_negotiated() -> None:
    line = Line()
    line.sent()
    line.connection.send_event(b"STOP\n")
    assert line.sent() == []


def test_what_is_asked_behind_quit_stays_unanswered() -> None:
    line = negotiated()
    line.connection.data_received(b"a\nquit\nb\n")
    assert line.sent() == [b"did a\nSHUTDOWN\ndid quit\n"]
    assert line.transport.ended == "closed"


def test_a_client_that_has_finished_asking_gets_its_answers_and_then_the_end(run: Run) -> None:
    async def story() -> None:
        line = negotiated(Limits(batch=1))
        line.connection.data_received(b"a\nb\n")
        assert line.connection.eof_received()
        assert line.transport.ended is None
        assert line.sent() == [b"did a\n"]
        await asyncio.sleep(0)
        assert line.sent() == [b"did b\n"]
        assert line.transport.ended == "closed"

    run(story())


def test_a_half_close_with_nothing_pending_ends_at_once() -> None:
    assert not negotiated().connection.eof_received()


def test_many_requests_are_executed_in_turns_and_no_more_is_read_meanwhile(run: Run) -> None:
    async def story() -> None:
        line = negotiated(Limits(batch=2))
        line.connection.data_received(b"a\nb\nc\nd\ne\n")
        assert line.sent() == [b"did a\ndid b\n"]
        assert not line.transport.reading
        await asyncio.sleep(0)
        assert line.sent() == [b"did c\ndid d\n"]
        await asyncio.sleep(0)
        assert line.sent() == [b"did e\n"]
        assert line.transport.reading

    run(story())


def test_large_replies_end_a_batch_early(run: Run) -> None:
    async def story() -> None:
        line = negotiated(Limits(high_water=1500))
        line.connection.data_received(b"big\nbig\nbig\n")
        assert [len(data) for data in line.sent()] == [2000]

    run(story())


def test_a_turn_ends_when_its_time_is_over(run: Run) -> None:
    async def story() -> None:
        line = negotiated(Limits(turn=0))
        line.connection.data_received(b"a\nb\n")
        assert line.sent() == [b"did a\n"]
        assert not line.transport.reading
        await asyncio.sleep(0)
        assert line.sent() == [b"did b\n"]
        assert line.transport.reading

    run(story())


def test_what_takes_long_to_look_at_is_looked_at_in_turns(run: Run) -> None:
    async def story() -> None:
        line = Line(Limits(turn=0, piece=4))
        line.connection.data_received(b"[[[[[[[[[[")
        assert not line.transport.reading
        assert line.session.pieces == [b"[[[["]
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        assert line.session.pieces == [b"[[[[", b"[[[[", b"[["]
        assert line.transport.reading

    run(story())


def test_a_client_that_finishes_while_it_is_looked_at_gets_its_answers(run: Run) -> None:
    async def story() -> None:
        line = Line(Limits(turn=0, piece=2))
        line.sent()
        line.connection.data_received(b"a\nb\n")
        assert line.connection.eof_received()
        assert line.sent() == [b"did a\n"]
        await asyncio.sleep(0)
        assert line.sent() == [b"did b\n"]
        assert line.transport.ended == "closed"

    run(story())


def test_a_client_that_does_not_read_is_neither_read_from_nor_executed_for() -> None:
    line = negotiated()
    line.connection.pause_writing()
    line.connection.data_received(b"a\n")
    assert line.sent() == []
    assert not line.transport.reading
    line.connection.resume_writing()
    assert line.sent() == [b"did a\n"]
    assert line.transport.reading


def test_a_client_that_lets_events_pile_up_is_disconnected_and_logged_once(
    caplog: pytest.LogCaptureFixture,
) -> None:
    line = negotiated(Limits(overflow=100))
    line.transport.waiting = 100
    line.connection.send_event(b"E\n")
    assert line.transport.ended is None
    line.transport.waiting = 101
    with caplog.at_level(logging.WARNING):
        line.connection.send_event(b"E\n")
        line.connection.send_event(b"E\n")
    assert line.transport.ended == "aborted"
    assert len(caplog.records) == 1


def test_after_the_client_has_gone_nothing_is_executed_or_sent(run: Run) -> None:
    async def story() -> None:
        line = negotiated(Limits(batch=1))
        line.connection.data_received(b"a\nb\n")
        line.sent()
        line.connection.connection_lost(None)
        assert line.connection.closed.is_set()
        await asyncio.sleep(0)
        line.connection.send_event(b"E\n")
        line.connection.finish()
        line.connection.abort()
        assert line.sent() == []

    run(story())
