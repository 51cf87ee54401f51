from __future__ import annotations

import contextlib
import gzip
import tracemalloc
import zlib
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.logs.v1.logs_pb2 import ResourceLogs

from harness.zstd import zstd
from server.errors.ingest import MalformedRequestError, OverloadedError
from server.otlp.decompress import ENCODINGS, decompress, decompress_message, is_compressed
from server.otlp.errors import TooLargeError, UnsupportedEncodingError

MIB = 1024 * 1024


def zstd_streamed(data: bytes) -> bytes:
    """Compress as a stream does it, without the content size in the header."""
    stream = zstd.ZstdCompressor()
    return stream.compress(data) + stream.flush()


COMPRESSORS = [
    pytest.param("gzip", gzip.compress, id="gzip"),
    pytest.param("zstd", zstd.compress, id="zstd"),
    pytest.param("zstd", zstd_streamed, id="zstd streamed"),
]


@pytest.mark.parametrize(("encoding", "compress"), COMPRESSORS)
@given(data=st.binary(max_size=200))
def test_what_was_compressed_comes_back(encoding: str, compress: Callable[[bytes], bytes], data: bytes) -> None:
    assert decompress(compress(data), encoding, 200) == data


@pytest.mark.parametrize(("encoding", "compress"), COMPRESSORS)
def test_a_body_of_more_than_one_piece_comes_back(encoding: str, compress: Callable[[bytes], bytes]) -> None:
    data = bytes(range(256)) * 8192 + b"end"
    assert decompress(compress(data), encoding, 4 * MIB) == data


@pytest.mark.parametrize("encoding", ["", "identity", " Identity "])
def test_no_encoding_leaves_the_body_as_it_is(encoding: str) -> None:
    assert decompress(b"abc", encoding, 3) == b"abc"


@pytest.mark.parametrize("encoding", ["GZIP", "x-gzip", " gzip "])
def test_gzip_is_known_by_all_its_spellings(encoding: str) -> None:
    assert decompress(gzip.compress(b"abc"), encoding, 3) == b"abc"


@pytest.mark.parametrize(("encoding", "compress"), COMPRESSORS)
def test_the_limit_is_what_the_result_may_just_have(encoding: str, compress: Callable[[bytes], bytes]) -> None:
    body = compress(b"x" * 1000)
    assert len(decompress(body, encoding, 1000)) == 1000
    with pytest.raises(TooLargeError, match="999 bytes"):
        decompress(body, encoding, 999)


@pytest.mark.parametrize(("encoding", "compress"), COMPRESSORS)
def test_room_is_asked_for_before_it_is_taken_and_a_refusal_ends_it(
    encoding: str, compress: Callable[[bytes], bytes]
) -> None:
    asked: list[int] = []
    data = bytes(20 * MIB)
    assert decompress(compress(data), encoding, 32 * MIB, asked.append) == data
    assert asked[-1] >= 20 * MIB
    assert asked == sorted(set(asked))

    def refuse(_: int) -> None:
        raise OverloadedError("no room")

    with pytest.raises(OverloadedError):
        decompress(compress(data), encoding, 32 * MIB, refuse)


@given(st.binary(max_size=3 * 1024), st.integers(1, 64))
def test_what_inflates_in_many_pieces_comes_back(data: bytes, times: int) -> None:
    assert decompress(gzip.compress(data * times * 16), "gzip", 64 * MIB) == data * times * 16


@given(st.binary(max_size=300))
def test_messages_are_known_by_how_they_begin(data: bytes) -> None:
    assert decompress_message(gzip.compress(data), 300) == data
    assert decompress_message(zlib.compress(data), 300) == data
    assert is_compressed(gzip.compress(data))
    assert is_compressed(zlib.compress(data))


@given(st.builds(ExportLogsServiceRequest, resource_logs=st.lists(st.builds(ResourceLogs, schema_url=st.text()))))
def test_no_request_is_taken_for_compressed(request: ExportLogsServiceRequest) -> None:
    assert not is_compressed(request.SerializeToString())


def test_the_limit_holds_without_an_encoding() -> None:
    with pytest.raises(TooLargeError):
        decompress(b"abcd", "identity", 3)


@pytest.mark.parametrize(("encoding", "compress"), COMPRESSORS)
def test_a_bomb_is_not_inflated_beyond_the_limit(encoding: str, compress: Callable[[bytes], bytes]) -> None:
    bomb = compress(bytes(256 * MIB))
    assert len(bomb) < MIB
    tracemalloc.start()
    try:
        with pytest.raises(TooLargeError):
            decompress(bomb, encoding, MIB)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 4 * MIB


@pytest.mark.parametrize(("encoding", "compress"), COMPRESSORS)
def test_a_bomb_in_the_second_member_is_not_inflated_either(encoding: str, compress: Callable[[bytes], bytes]) -> None:
    with pytest.raises(TooLargeError):
        decompress(compress(b"x" * 600) + compress(b"x" * 600), encoding, 1000)


@pytest.mark.parametrize(("encoding", "compress"), COMPRESSORS)
def test_members_one_after_another_are_one_body(encoding: str, compress: Callable[[bytes], bytes]) -> None:
    members = [b"first ", b"", b"second " * 50_000, b"third"]
    body = b"".join(map(compress, members))
    assert decompress(body, encoding, MIB) == b"".join(members)


@pytest.mark.parametrize(("encoding", "compress"), COMPRESSORS)
def test_a_body_made_of_tiny_members_is_refused_early(encoding: str, compress: Callable[[bytes], bytes]) -> None:
    with pytest.raises(MalformedRequestError, match="more than 4096"):
        decompress(compress(b"") * 100_000, encoding, MIB)


@pytest.mark.parametrize(("encoding", "compress"), COMPRESSORS)
def test_a_body_cut_anywhere_is_malformed(encoding: str, compress: Callable[[bytes], bytes]) -> None:
    body = compress(b"some log records " * 10)
    for length in range(len(body)):
        with pytest.raises(MalformedRequestError):
            decompress(body[:length], encoding, MIB)


@pytest.mark.parametrize(("encoding", "compress"), COMPRESSORS)
def test_what_follows_the_last_member_has_to_be_a_member(encoding: str, compress: Callable[[bytes], bytes]) -> None:
    with pytest.raises(MalformedRequestError, match="damaged"):
        decompress(compress(b"abc") + b"garbage!", encoding, MIB)


def test_a_wrong_checksum_is_noticed() -> None:
    body = bytearray(gzip.compress(b"abc"))
    body[-5] ^= 1  # the last byte of the CRC-32
    with pytest.raises(MalformedRequestError, match="damaged"):
        decompress(bytes(body), "gzip", MIB)


def test_a_wrong_checksum_of_zstd_is_noticed() -> None:
    body = bytearray(zstd.compress(b"abc" * 100_000, options={zstd.CompressionParameter.checksum_flag: 1}))
    assert decompress(bytes(body), "zstd", MIB) == b"abc" * 100_000
    body[-1] ^= 1
    with pytest.raises(MalformedRequestError, match="damaged"):
        decompress(bytes(body), "zstd", MIB)


@pytest.mark.parametrize("size", [0, 1, 200_000])
def test_frames_that_are_to_be_skipped_are_skipped(size: int) -> None:
    # RFC 8878, section 3.1.2: a magic number, a size, and so many bytes.
    skipped = b"\x5a\x2a\x4d\x18" + size.to_bytes(4, "little") + bytes(size)
    assert decompress(skipped + zstd.compress(b"a") + skipped + zstd_streamed(b"b") + skipped, "zstd", MIB) == b"ab"
    with pytest.raises(MalformedRequestError, match="ends too early"):
        decompress(zstd.compress(b"a") + skipped[:-1], "zstd", MIB)


@pytest.mark.parametrize(("encoding", "compress"), COMPRESSORS)
@pytest.mark.parametrize("size", [MIB - 1, MIB, MIB + 1, 2 * MIB, 2 * MIB + 1, 4 * MIB])
def test_a_body_as_long_as_the_pieces_it_is_read_in_comes_back(
    encoding: str, compress: Callable[[bytes], bytes], size: int
) -> None:
    data = bytes(range(251)) * (size // 251) + bytes(size % 251)
    asked: list[int] = []
    assert decompress(compress(data), encoding, size, asked.append) == data
    assert asked[-1:] == ([] if size <= MIB else [size])
    with pytest.raises(TooLargeError):
        decompress(compress(data), encoding, size - 1)


def test_a_zstd_frame_that_needs_a_huge_window_is_refused() -> None:
    stream = zstd.ZstdCompressor(options={zstd.CompressionParameter.window_log: 27})
    body = stream.compress(b"abc") + stream.flush()
    with pytest.raises(MalformedRequestError, match="memory"):
        decompress(body, "zstd", MIB)


@pytest.mark.parametrize("encoding", ["gzip", "zstd"])
@given(body=st.binary(max_size=200))
def test_arbitrary_bytes_are_never_more_than_malformed(encoding: str, body: bytes) -> None:
    with contextlib.suppress(MalformedRequestError, TooLargeError):
        decompress(body, encoding, 10_000)


@pytest.mark.parametrize("encoding", ["br", "deflate", "gzip, gzip", "é" * 1000])
def test_an_unknown_encoding_is_refused_with_the_known_ones(encoding: str) -> None:
    with pytest.raises(UnsupportedEncodingError) as caught:
        decompress(b"", encoding, MIB)
    assert caught.value.accepted == ENCODINGS
    assert "accepted: gzip, zstd, identity" in str(caught.value)
    assert len(str(caught.value)) < 200
