"""S3: versions of objects, delete markers, and deleting many at once."""

from typing import Any

from aws import Aws, allow, objects, policy
from behaviour import behaviour, check, equal, refuses, refuses_with

VERSIONING = "S3 User Guide, Retaining multiple versions of objects with S3 Versioning"
MARKERS = "S3 User Guide, Working with delete markers"
LIST = "S3 API Reference, ListObjectVersions"
DELETE = "S3 API Reference, DeleteObjects"


def versioned(aws: Aws) -> str:
    """A bucket with versioning on."""
    name = aws.bucket()
    aws.s3.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Enabled"})
    return name


def put(aws: Aws, bucket: str, key: str, *bodies: bytes) -> list[str]:
    """Puts one version after the other; their ids."""
    return [aws.s3.put_object(Bucket=bucket, Key=key, Body=body)["VersionId"] for body in bodies]


def versions(aws: Aws, bucket: str, **more: Any) -> dict[str, Any]:
    return dict(aws.s3.list_object_versions(Bucket=bucket, **more))


@behaviour(VERSIONING)
def a_bucket_tells_no_versioning_until_it_is_switched_on(aws: Aws) -> None:
    """GetBucketVersioning has no Status in a bucket that never had versioning, and Enabled afterwards."""
    name = aws.bucket()
    equal(aws.s3.get_bucket_versioning(Bucket=name).get("Status"), None, "the status before")
    aws.s3.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Enabled"})
    equal(aws.s3.get_bucket_versioning(Bucket=name)["Status"], "Enabled", "the status after")


@behaviour(VERSIONING)
def an_object_from_before_has_the_version_null(aws: Aws) -> None:
    """What was put before versioning was switched on is the version `null`, and stays behind what is put after."""
    name = aws.bucket()
    aws.s3.put_object(Bucket=name, Key="k", Body=b"before")
    aws.s3.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Enabled"})
    [newer] = put(aws, name, "k", b"after")
    equal([each["VersionId"] for each in versions(aws, name)["Versions"]], [newer, "null"], "the versions")


@behaviour(LIST)
def versions_are_listed_newest_first(aws: Aws) -> None:
    """Keys come in order, each with its newest version first, which alone is the latest."""
    name = versioned(aws)
    first, second = put(aws, name, "b", b"1", b"2")
    [other] = put(aws, name, "a", b"3")
    listed = [(each["Key"], each["VersionId"], each["IsLatest"]) for each in versions(aws, name)["Versions"]]
    equal(listed, [("a", other, True), ("b", second, True), ("b", first, False)], "the versions")


@behaviour(LIST)
def versions_come_in_pages(aws: Aws) -> None:
    """MaxKeys limits a page; NextKeyMarker and NextVersionIdMarker lead to what follows."""
    name = versioned(aws)
    ids = put(aws, name, "k", b"1", b"2", b"3")
    page = versions(aws, name, MaxKeys=2)
    check(page["IsTruncated"], "the first page is the only one")
    markers = {"KeyMarker": page["NextKeyMarker"], "VersionIdMarker": page["NextVersionIdMarker"]}
    rest = versions(aws, name, **markers)
    equal([each["VersionId"] for each in page["Versions"] + rest["Versions"]], ids[::-1], "the versions")
    check(not rest["IsTruncated"], "the second page is not the last")


@behaviour(LIST)
def a_version_marker_needs_a_key_marker(aws: Aws) -> None:
    """VersionIdMarker without KeyMarker is 400 InvalidArgument."""
    marker = {"Bucket": versioned(aws), "VersionIdMarker": "x"}
    refuses_with(400, "InvalidArgument", aws.s3.list_object_versions, **marker)


@behaviour(MARKERS)
def a_delete_hides_and_deleting_the_marker_shows_again(aws: Aws) -> None:
    """DeleteObject without a version makes a delete marker; deleting that by its id brings the object back."""
    name = versioned(aws)
    put(aws, name, "k", b"here")
    deleted = aws.s3.delete_object(Bucket=name, Key="k")
    check(deleted["DeleteMarker"], "no delete marker was made")
    refuses_with(404, "NoSuchKey", aws.s3.get_object, Bucket=name, Key="k")
    markers = versions(aws, name)["DeleteMarkers"]
    equal([(each["VersionId"], each["IsLatest"]) for each in markers], [(deleted["VersionId"], True)], "the markers")
    aws.s3.delete_object(Bucket=name, Key="k", VersionId=deleted["VersionId"])
    equal(aws.s3.get_object(Bucket=name, Key="k")["Body"].read(), b"here", "the object")


@behaviour(MARKERS)
def a_bucket_of_old_versions_is_not_empty(aws: Aws) -> None:
    """DeleteBucket is 409 BucketNotEmpty as long as there is a version or a delete marker."""
    name = versioned(aws)
    [version] = put(aws, name, "k", b"x")
    marker = aws.s3.delete_object(Bucket=name, Key="k")["VersionId"]
    refuses_with(409, "BucketNotEmpty", aws.s3.delete_bucket, Bucket=name)
    aws.s3.delete_object(Bucket=name, Key="k", VersionId=version)
    refuses_with(409, "BucketNotEmpty", aws.s3.delete_bucket, Bucket=name)
    aws.s3.delete_object(Bucket=name, Key="k", VersionId=marker)
    aws.s3.delete_bucket(Bucket=name)


@behaviour(DELETE)
def many_versions_are_deleted_in_one_call(aws: Aws) -> None:
    """DeleteObjects takes versions and markers, and tells each that is gone; what was not there is told too."""
    name = versioned(aws)
    ids = put(aws, name, "k", b"1", b"2")
    ids.append(aws.s3.delete_object(Bucket=name, Key="k")["VersionId"])
    asked = [{"Key": "k", "VersionId": version} for version in ids] + [{"Key": "never", "VersionId": "null"}]
    answer = aws.s3.delete_objects(Bucket=name, Delete={"Objects": asked})
    equal({each["VersionId"] for each in answer["Deleted"]}, {*ids, "null"}, "what was deleted")
    equal(answer.get("Errors"), None, "the errors")
    left = versions(aws, name)
    equal((left.get("Versions"), left.get("DeleteMarkers")), (None, None), "what is left")


@behaviour(DELETE)
def quiet_tells_only_what_failed(aws: Aws) -> None:
    """With Quiet, DeleteObjects names nothing that it deleted."""
    name = versioned(aws)
    [version] = put(aws, name, "k", b"1")
    delete = {"Objects": [{"Key": "k", "VersionId": version}], "Quiet": True}
    answer = aws.s3.delete_objects(Bucket=name, Delete=delete)
    equal((answer.get("Deleted"), answer.get("Errors")), (None, None), "the answer")


@behaviour(DELETE)
def a_version_that_may_not_be_deleted_is_told_in_a_200(aws: Aws) -> None:
    """Deleting a version takes s3:DeleteObjectVersion, a delete without one s3:DeleteObject: each is refused by itself."""
    name = versioned(aws)
    [version] = put(aws, name, "k", b"1")
    aws.iam.create_user(UserName="u")
    key = aws.iam.create_access_key(UserName="u")["AccessKey"]
    aws.iam.put_user_policy(
        UserName="u", PolicyName="p", PolicyDocument=policy(allow("s3:DeleteObject", objects(name)))
    )
    asked = [{"Key": "k", "VersionId": version}, {"Key": "k"}]
    answer = aws.as_key("s3", key).delete_objects(Bucket=name, Delete={"Objects": asked})
    equal([(each["Key"], each["Code"]) for each in answer["Errors"]], [("k", "AccessDenied")], "the errors")
    equal([each["DeleteMarker"] for each in answer["Deleted"]], [True], "what was deleted")


@behaviour(DELETE)
def a_thousand_keys_are_the_most(aws: Aws) -> None:
    """DeleteObjects with more than 1,000 keys is 400 MalformedXML."""
    asked = [{"Key": str(number)} for number in range(1001)]
    refuses_with(400, "MalformedXML", aws.s3.delete_objects, Bucket=aws.bucket(), Delete={"Objects": asked})


@behaviour("Service Authorization Reference, Amazon S3")
def listing_versions_takes_a_permission_of_its_own(aws: Aws) -> None:
    """ListObjectVersions needs s3:ListBucketVersions; s3:ListBucket does not do."""
    name = versioned(aws)
    aws.iam.create_user(UserName="u")
    key = aws.iam.create_access_key(UserName="u")["AccessKey"]
    listing = policy(allow("s3:ListBucket", f"arn:aws:s3:::{name}"))
    aws.iam.put_user_policy(UserName="u", PolicyName="p", PolicyDocument=listing)
    refuses("AccessDenied", aws.as_key("s3", key).list_object_versions, Bucket=name)
