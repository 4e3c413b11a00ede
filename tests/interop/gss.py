#!/usr/bin/python3
"""The C interface of GSSAPI (RFC 2744), which MIT and Heimdal share, without a compiler.

  gss.py LIBRARY token HOST    a token for HTTP@HOST from the cache that KRB5CCNAME names, base64
  gss.py LIBRARY accept        accepts such tokens, one a line, with the keytab that KRB5_KTNAME
                               names; prints the client of each, or `refused: WHY`
  gss.py LIBRARY echo BINDING  accepts one context, bound to this channel, from a line in hex, and
                               prints its answer; then unwraps each line and wraps the text again
                               as it came, sealed or only signed
"""
import base64
import ctypes
import sys


class Buffer(ctypes.Structure):
    _fields_ = [("length", ctypes.c_size_t), ("value", ctypes.c_void_p)]

    @classmethod
    def of(cls, content):
        kept = ctypes.create_string_buffer(content, len(content))
        buffer = cls(len(content), ctypes.cast(kept, ctypes.c_void_p))
        buffer.kept = kept
        return buffer

    def content(self):
        return ctypes.string_at(self.value, self.length) if self.length else b""


class Oid(ctypes.Structure):
    _fields_ = [("length", ctypes.c_uint32), ("elements", ctypes.c_void_p)]


class Bindings(ctypes.Structure):
    _fields_ = [
        ("initiator_type", ctypes.c_uint32), ("initiator", Buffer),
        ("acceptor_type", ctypes.c_uint32), ("acceptor", Buffer), ("application", Buffer),
    ]


class Refused(Exception):
    pass


ERROR = 0xFFFF0000  # the calling and routine error bits of a major status
HOST_BASED = b"\x2a\x86\x48\x86\xf7\x12\x01\x02\x01\x04"


class Gss:
    def __init__(self, library):
        self.gssapi = ctypes.CDLL(library)

    def call(self, name, *arguments):
        minor = ctypes.c_uint32()
        function = getattr(self.gssapi, name)
        function.restype = ctypes.c_uint32
        major = function(ctypes.byref(minor), *arguments)
        if major & ERROR:
            raise Refused(f"{name}: {self.words(major, 1)}; {self.words(minor.value, 2)}")
        return major

    def words(self, status, kind):
        minor, more, text = ctypes.c_uint32(), ctypes.c_uint32(), Buffer()
        self.gssapi.gss_display_status(
            ctypes.byref(minor), ctypes.c_uint32(status), kind, None, ctypes.byref(more), ctypes.byref(text)
        )
        return text.content().decode(errors="replace")

    def token(self, host):
        name, context, token = ctypes.c_void_p(), ctypes.c_void_p(), Buffer()
        oid_bytes = ctypes.create_string_buffer(HOST_BASED, len(HOST_BASED))
        oid = Oid(len(HOST_BASED), ctypes.cast(oid_bytes, ctypes.c_void_p))
        text = Buffer.of(f"HTTP@{host}".encode())
        self.call("gss_import_name", ctypes.byref(text), ctypes.byref(oid), ctypes.byref(name))
        self.call(
            "gss_init_sec_context", None, ctypes.byref(context), name, None, ctypes.c_uint32(0),
            ctypes.c_uint32(0), None, None, None, ctypes.byref(token), None, None,
        )
        return base64.b64encode(token.content()).decode()

    def accept(self, line):
        context, client, answer = ctypes.c_void_p(), ctypes.c_void_p(), Buffer()
        token, text = Buffer.of(base64.b64decode(line)), Buffer()
        self.call(
            "gss_accept_sec_context", ctypes.byref(context), None, ctypes.byref(token), None,
            ctypes.byref(client), None, ctypes.byref(answer), None, None, None,
        )
        self.call("gss_display_name", client, ctypes.byref(text), None)
        return text.content().decode()

    def echo(self, binding, lines):
        """What it prints, line by line."""
        context, answer = ctypes.c_void_p(), Buffer()
        bindings = Bindings(application=Buffer.of(binding.encode()))
        token = Buffer.of(bytes.fromhex(next(lines)))
        self.call(
            "gss_accept_sec_context", ctypes.byref(context), None, ctypes.byref(token),
            ctypes.byref(bindings), None, None, ctypes.byref(answer), None, None, None,
        )
        yield answer.content()
        for line in lines:
            token, text, wrapped = Buffer.of(bytes.fromhex(line)), Buffer(), Buffer()
            sealed = ctypes.c_int()
            self.call(
                "gss_unwrap", context, ctypes.byref(token), ctypes.byref(text), ctypes.byref(sealed), None
            )
            self.call("gss_wrap", context, sealed, 0, ctypes.byref(text), None, ctypes.byref(wrapped))
            yield wrapped.content()


def main():
    gss = Gss(sys.argv[1])
    if sys.argv[2] == "token":
        print(gss.token(sys.argv[3]))
        return
    if sys.argv[2] == "echo":
        try:
            for said in gss.echo(sys.argv[3], iter(sys.stdin.readline, "")):
                print(said.hex(), flush=True)
        except Refused as refused:
            print(f"refused: {refused}")
        return
    for line in sys.stdin.read().split():
        try:
            print(gss.accept(line))
        except Refused as refused:
            print(f"refused: {refused}")


if __name__ == "__main__":
    main()
