"""The test phones themselves: what the other scenarios take for granted."""
from lib import tap
from lib.baresip import Phone
from lib.bed import Bed, Failed


def talk(a, b):
    """Both hear the other's tone, and nothing of their own, for 2 s from now."""
    at_a, at_b = a.mark(), b.mark()
    a.wait_heard(b.hz, 2.0, at_a)
    b.wait_heard(a.hz, 2.0, at_b)
    if a.heard_ever(a.hz) or b.heard_ever(b.hz):
        raise Failed("a phone heard itself")


def live_two_phones():
    """two test phones talk, hold, resume and hear each other's tone"""
    with Bed("phones") as bed:
        a, b = Phone(bed, "a", 440), Phone(bed, "b", 1000)
        a.dial(b.uri)
        b.wait("CALL_INCOMING")
        a.wait("CALL_RINGING")
        b.answer()
        a.wait("CALL_ESTABLISHED")
        talk(a, b)
        a.hold()
        b.wait("CALL_REMOTE_SDP", 2)
        a.resume()
        b.wait("CALL_REMOTE_SDP", 3)
        talk(a, b)
        a.hangup()
        b.wait("CALL_CLOSED")


def live_cancel():
    """a caller that gives up stops the test phone's ringing"""
    with Bed("phones") as bed:
        a, b = Phone(bed, "a", 440), Phone(bed, "b", 1000)
        a.dial(b.uri)
        b.wait("CALL_INCOMING")
        a.hangup()
        b.wait("CALL_CLOSED")
        if b.recordings():
            raise Failed("the phone received media before any answer")


if __name__ == "__main__":
    tap.main(globals())
