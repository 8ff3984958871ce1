"""S3: objects, and the forms in which requests come."""

import base64
import contextlib
import hashlib
import http.client
import zlib
from urllib.parse import urlsplit

from botocore.auth import S3SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from aws import Aws, allow, objects
from behaviour import behaviour, check, equal, refuses, refuses_with

CONDITIONAL = "S3 User Guide, Add preconditions to S3 operations with conditional requests"
INTEGRITY = "S3 User Guide, Checking object integrity in Amazon S3"
CHUNKED = "S3 API Reference, Signature calculations: transferring payload in multiple chunks, with trailing headers"
ADDRESS = "S3 User Guide, Virtual hosting of general purpose buckets"
LIST = "S3 API Reference, ListObjectsV2"
ODD_KEYS = ("plain", "a b", "a+b", "a%20b", "ä/ö", "a&b=c?d#e", "trailing/", "tilde~(x)'!*")


@behaviour(CONDITIONAL)
def if_none_match_puts_once(aws: Aws) -> None:
    """PutObject with `If-None-Match: *` is 412 PreconditionFailed if the key is there."""
    marker = {"Bucket": aws.bucket(), "Key": "pub/", "IfNoneMatch": "*"}
    aws.s3.put_object(**marker, Body=b"")
    refuses_with(412, "PreconditionFailed", aws.s3.put_object, **marker, Body=b"x")
    del marker["IfNoneMatch"]
    equal(aws.s3.get_object(**marker)["Body"].read(), b"", "the object")
    aws.s3.put_object(**marker, Body=b"y")


@behaviour("S3 API Reference, PutObject and GetObject")
def what_is_put_comes_back(aws: Aws) -> None:
    """Content, content type and metadata are kept; the ETag of a plain upload is its MD5; encryption is SSE-S3."""
    name, body = aws.bucket(), b"hello"
    put = aws.s3.put_object(Bucket=name, Key="k", Body=body, ContentType="text/plain", Metadata={"x": "y"})
    etag = f'"{hashlib.md5(body).hexdigest()}"'
    got = aws.s3.get_object(Bucket=name, Key="k")
    equal((put["ETag"], got["ETag"]), (etag, etag), "the ETag")
    equal(got["Body"].read(), body, "the content")
    equal((got["ContentType"], got["Metadata"], got["ContentLength"]), ("text/plain", {"x": "y"}, 5), "the description")
    head = aws.s3.head_object(Bucket=name, Key="k")
    equal((head["ContentLength"], head.get("ServerSideEncryption")), (5, "AES256"), "what HeadObject tells")


@behaviour("S3 User Guide, Working with object metadata")
def content_is_binary_unless_told(aws: Aws) -> None:
    """The default content type is binary/octet-stream."""
    name = aws.bucket()
    aws.s3.put_object(Bucket=name, Key="k", Body=b"x")
    equal(aws.s3.get_object(Bucket=name, Key="k")["ContentType"], "binary/octet-stream", "the content type")


@behaviour("S3 User Guide, Naming Amazon S3 objects")
def keys_may_have_any_characters(aws: Aws) -> None:
    """Keys are UTF-8 text; spaces, signs and letters of all kinds come back as they were."""
    name = aws.bucket()
    for key in ODD_KEYS:
        aws.s3.put_object(Bucket=name, Key=key, Body=key.encode())
    for key in ODD_KEYS:
        equal(aws.s3.get_object(Bucket=name, Key=key)["Body"].read(), key.encode(), "an object")
    listed = [entry["Key"] for entry in aws.s3.list_objects_v2(Bucket=name)["Contents"]]
    equal(listed, sorted(ODD_KEYS, key=str.encode), "the list of keys")


@behaviour("IAM User Guide, Create a signed AWS API request: canonical request")
def odd_keys_can_be_signed_for(aws: Aws) -> None:
    """S3 encodes the path once when it checks a signature, whatever the key."""
    name = aws.bucket()
    _, key = aws.user_with(allow("s3:PutObject", objects(name)))
    for odd in ODD_KEYS:
        aws.as_key("s3", key).put_object(Bucket=name, Key=odd, Body=b"x")


@behaviour("S3 User Guide, Naming Amazon S3 objects")
def a_key_has_1024_bytes_at_most(aws: Aws) -> None:
    """A key is at most 1,024 bytes long."""
    name = aws.bucket()
    aws.s3.put_object(Bucket=name, Key="k" * 1024, Body=b"x")
    refuses_with(400, "KeyTooLongError", aws.s3.put_object, Bucket=name, Key="k" * 1025, Body=b"x")


@behaviour("S3 API Reference, DeleteObject")
def deleting_what_is_not_there_is_no_error(aws: Aws) -> None:
    """DeleteObject answers 204 whether or not there is such a key."""
    name = aws.bucket()
    for _ in range(2):
        equal(aws.s3.delete_object(Bucket=name, Key="k")["ResponseMetadata"]["HTTPStatusCode"], 204, "the status")


@behaviour("S3 API Reference, HeadObject")
def head_of_a_missing_key_has_no_body(aws: Aws) -> None:
    """HeadObject of a key that is not there is 404 without a body, GetObject NoSuchKey."""
    name = aws.bucket()
    equal(refuses(404, aws.s3.head_object, Bucket=name, Key="none")["Code"], "404", "the code of a HEAD")
    refuses_with(404, "NoSuchKey", aws.s3.get_object, Bucket=name, Key="none")
    refuses_with(404, "NoSuchBucket", aws.s3.get_object, Bucket=aws.name("none"), Key="k")


@behaviour(LIST)
def keys_are_listed_with_common_prefixes(aws: Aws) -> None:
    """With a delimiter keys are rolled up in CommonPrefixes; Prefix and StartAfter choose."""
    name = aws.bucket()
    for key in ("a", "d/1", "d/2", "e/1", "f"):
        aws.s3.put_object(Bucket=name, Key=key, Body=b"")
    page = aws.s3.list_objects_v2(Bucket=name, Delimiter="/")
    equal([entry["Key"] for entry in page["Contents"]], ["a", "f"], "the keys")
    equal([entry["Prefix"] for entry in page["CommonPrefixes"]], ["d/", "e/"], "the prefixes")
    page = aws.s3.list_objects_v2(Bucket=name, Prefix="d/", StartAfter="d/1")
    equal([entry["Key"] for entry in page["Contents"]], ["d/2"], "what is after")


@behaviour(LIST)
def keys_are_listed_in_pages(aws: Aws) -> None:
    """A page has MaxKeys keys and common prefixes at most, in UTF-8 order, and a token for the next."""
    name = aws.bucket()
    for key in ("a", "d/1", "d/2", "e"):
        aws.s3.put_object(Bucket=name, Key=key, Body=b"")
    found, token = [], {}
    for _ in range(5):
        page = aws.s3.list_objects_v2(Bucket=name, Delimiter="/", MaxKeys=1, **token)
        equal(page["KeyCount"], 1, "the count of a page")
        found += [entry["Key"] for entry in page.get("Contents", [])]
        found += [entry["Prefix"] for entry in page.get("CommonPrefixes", [])]
        if not page["IsTruncated"]:
            break
        token = {"ContinuationToken": page["NextContinuationToken"]}
    equal(found, ["a", "d/", "e"], "the pages")


@behaviour(INTEGRITY)
def checksums_are_checked_and_told(aws: Aws) -> None:
    """A checksum that comes with an object is kept and told on request; SDKs send CRC32 by default."""
    name, body = aws.bucket(), b"123456789"
    aws.s3.put_object(Bucket=name, Key="crc", Body=body)
    got = aws.s3.get_object(Bucket=name, Key="crc", ChecksumMode="ENABLED")
    equal(got.get("ChecksumCRC32"), "y/Q5Jg==", "the CRC32")
    equal(got["Body"].read(), body, "the content, which the SDK checks")
    aws.s3.put_object(Bucket=name, Key="sha", Body=body, ChecksumAlgorithm="SHA256")
    told = aws.s3.head_object(Bucket=name, Key="sha", ChecksumMode="ENABLED").get("ChecksumSHA256")
    equal(told, base64.b64encode(hashlib.sha256(body).digest()).decode(), "the SHA256")


@behaviour(INTEGRITY)
def a_wrong_checksum_is_refused(aws: Aws) -> None:
    """A checksum or Content-MD5 that is not the content's is 400 BadDigest, and nothing is stored."""
    put = {"Bucket": aws.bucket(), "Key": "k", "Body": b"x"}
    refuses_with(400, "BadDigest", aws.s3.put_object, **put, ChecksumCRC32="AAAAAA==")
    refuses_with(
        400, "BadDigest", aws.s3.put_object, **put, ContentMD5=base64.b64encode(hashlib.md5(b"y").digest()).decode()
    )
    del put["Body"]
    refuses("NoSuchKey", aws.s3.get_object, **put)


def send(aws: Aws, bucket: str, body: bytes, hash_header: str, headers: dict[str, str]) -> tuple[int, bytes]:
    """A signed PutObject of the key `k` as it stands, for forms that boto3 sends over https only."""
    endpoint, account = urlsplit(aws.site.endpoint), aws.site.credentials(aws.mine)
    request = AWSRequest("PUT", f"{aws.site.endpoint}/{bucket}/k", headers=headers | account.headers, data=body)
    request.headers["X-Amz-Content-SHA256"] = hash_header
    request.context["payload_signing_enabled"] = True
    auth = S3SigV4Auth(Credentials(account.key_id, account.secret), "s3", "us-east-1")
    # What is signed is what the header says, not what the body has.
    auth.payload = lambda _: hash_header
    auth.add_auth(request)
    request.headers.replace_header("X-Amz-Content-SHA256", hash_header)
    with contextlib.closing(http.client.HTTPConnection(endpoint.hostname or "", endpoint.port, timeout=30)) as sent:
        sent.request("PUT", f"/{bucket}/k", body, dict(request.headers.items()))
        answer = sent.getresponse()
        return answer.status, answer.read()


def chunked(content: bytes, checksum: bytes) -> tuple[bytes, dict[str, str]]:
    """A body of two chunks and a trailer, and its headers."""
    half = len(content) // 2
    body = b"".join(b"%x\r\n%s\r\n" % (len(chunk), chunk) for chunk in (content[:half], content[half:]))
    body += b"0\r\nx-amz-checksum-crc32:%s\r\n\r\n" % base64.b64encode(checksum)
    return body, {
        "content-encoding": "aws-chunked",
        "x-amz-decoded-content-length": str(len(content)),
        "x-amz-trailer": "x-amz-checksum-crc32",
        "x-amz-sdk-checksum-algorithm": "CRC32",
    }


TRAILER = "STREAMING-UNSIGNED-PAYLOAD-TRAILER"


@behaviour(CHUNKED)
def chunks_are_put_together(aws: Aws) -> None:
    """The content of an `aws-chunked` body is its chunks'; the coding is not kept, the trailing checksum is."""
    name, content = aws.bucket(), b"one two three"
    body, headers = chunked(content, zlib.crc32(content).to_bytes(4, "big"))
    equal(send(aws, name, body, TRAILER, headers)[0], 200, "the status")
    got = aws.s3.get_object(Bucket=name, Key="k", ChecksumMode="ENABLED")
    equal(got["Body"].read(), content, "the content")
    check(not got.get("ContentEncoding"), "the coding is kept")
    equal(got.get("ChecksumCRC32"), base64.b64encode(zlib.crc32(content).to_bytes(4, "big")).decode(), "the checksum")


@behaviour(CHUNKED)
def a_wrong_trailer_is_refused(aws: Aws) -> None:
    """A trailing checksum that is not the content's is 400 BadDigest."""
    body, headers = chunked(b"one two three", b"\0\0\0\0")
    status, answer = send(aws, aws.bucket(), body, TRAILER, headers)
    equal((status, b"<Code>BadDigest</Code>" in answer), (400, True), "the answer")


@behaviour("S3 API Reference, Error responses")
def a_wrong_content_hash_is_refused(aws: Aws) -> None:
    """An x-amz-content-sha256 that is not the content's is 400 XAmzContentSHA256Mismatch."""
    status, answer = send(aws, aws.bucket(), b"x", hashlib.sha256(b"y").hexdigest(), {})
    equal((status, b"<Code>XAmzContentSHA256Mismatch</Code>" in answer), (400, True), "the answer")


@behaviour(ADDRESS)
def the_bucket_may_be_in_the_host_name(aws: Aws) -> None:
    """Path-style and virtual-host-style requests are about the same buckets and keys."""
    virtual, name = aws.client("s3", addressing_style="virtual"), aws.name("b")
    virtual.create_bucket(Bucket=name)
    virtual.put_object(Bucket=name, Key="pub/a b", Body=b"x")
    equal(aws.s3.get_object(Bucket=name, Key="pub/a b")["Body"].read(), b"x", "the object")
    aws.s3.put_object(Bucket=name, Key="c", Body=b"y")
    equal([entry["Key"] for entry in virtual.list_objects_v2(Bucket=name)["Contents"]], ["c", "pub/a b"], "the keys")


@behaviour(ADDRESS)
def a_user_can_sign_for_either_style(aws: Aws) -> None:
    """The signature of a virtual-host-style request covers the bucket in the host name."""
    name = aws.bucket()
    _, key = aws.user_with(allow(["s3:PutObject", "s3:GetObject"], objects(name)))
    for style in ("virtual", "path"):
        client = aws.as_key("s3", key, addressing_style=style)
        client.put_object(Bucket=name, Key=style, Body=b"x")
        equal(client.get_object(Bucket=name, Key=style)["Body"].read(), b"x", "the object")


@behaviour("S3 API Reference, Error responses")
def errors_are_bare_xml(aws: Aws) -> None:
    """An error of S3 is an `Error` element with code, message and request id; an answer to HEAD has no body."""
    endpoint = urlsplit(aws.site.endpoint)
    for method, path, body_expected in (("GET", "none", True), ("HEAD", "none", False)):
        with contextlib.closing(http.client.HTTPConnection(endpoint.hostname or "", endpoint.port, timeout=30)) as sent:
            sent.request(method, f"/{aws.name(path)}/k")
            answer = sent.getresponse()
            body = answer.read()
        equal(answer.status, 404, "the status")
        if body_expected:
            parts = (b"<Error>", b"<Code>NoSuchBucket</Code>", b"<RequestId>")
            check(all(part in body for part in parts), "the body has another form")
