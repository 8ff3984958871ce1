"""S3: names of buckets, making, finding, listing and deleting them."""

from aws import Aws
from behaviour import behaviour, check, equal, refuses, refuses_with

NAMES = "S3 User Guide, General purpose bucket naming rules"
NAMESPACES = "S3 User Guide, Namespaces for general purpose buckets"
CREATE = "S3 API Reference, CreateBucket"
ERRORS = "S3 API Reference, Error responses"
WEST = {"LocationConstraint": "eu-west-1"}
OWNER_CONDITION = "S3 User Guide, Verifying bucket ownership with bucket owner condition"


def bad_names(aws: Aws, *names: str) -> None:
    for name in names:
        refuses_with(400, "InvalidBucketName", aws.s3.create_bucket, Bucket=name)


@behaviour(NAMES)
def bucket_names_have_3_to_63_characters(aws: Aws) -> None:
    """A bucket name has 3 to 63 characters."""
    bad_names(aws, "ab", aws.name("b").ljust(64, "x"))
    aws.s3.create_bucket(Bucket=aws.name("b").ljust(63, "x"))


@behaviour(NAMES)
def bucket_names_have_lower_case_letters_digits_hyphens_and_dots(aws: Aws) -> None:
    """A bucket name has lower-case letters, digits, dots and hyphens only."""
    bad_names(aws, aws.name("Upper"), aws.name("under_score"))


@behaviour(NAMES)
def bucket_names_begin_and_end_with_a_letter_or_digit(aws: Aws) -> None:
    """A bucket name begins and ends with a letter or a digit."""
    bad_names(aws, aws.name("-b"), aws.name("b") + "-", aws.name("b") + ".")


@behaviour(NAMES)
def bucket_names_have_no_adjacent_dots(aws: Aws) -> None:
    """A bucket name has no two dots in a row."""
    bad_names(aws, aws.name("a..b"))


@behaviour(NAMES)
def bucket_names_are_no_ip_addresses(aws: Aws) -> None:
    """A bucket name is not formatted as an IP address."""
    bad_names(aws, "192.168.5.4")


@behaviour(NAMES)
def some_prefixes_of_bucket_names_are_reserved(aws: Aws) -> None:
    """A bucket name does not begin with `xn--`, `sthree-` or `amzn-s3-demo-`."""
    bad_names(aws, *(prefix + aws.name("b") for prefix in ("xn--", "sthree-", "amzn-s3-demo-")))


@behaviour(NAMES)
def some_suffixes_of_bucket_names_are_reserved(aws: Aws) -> None:
    """A bucket name does not end with `-s3alias`, `--ol-s3`, `.mrap` or `--table-s3`."""
    bad_names(aws, *(aws.name("b") + suffix for suffix in ("-s3alias", "--ol-s3", ".mrap", "--table-s3")))


@behaviour(ERRORS)
def a_name_that_another_account_has_is_taken(aws: Aws) -> None:
    """Bucket names are global: one that another account has is 409 BucketAlreadyExists."""
    name = aws.bucket()
    refuses_with(409, "BucketAlreadyExists", aws.client("s3", aws.theirs).create_bucket, Bucket=name)
    west = aws.client("s3", aws.theirs, "eu-west-1").create_bucket
    refuses_with(409, "BucketAlreadyExists", west, Bucket=name, CreateBucketConfiguration=WEST)


@behaviour(ERRORS)
def making_ones_own_bucket_again_is_refused_outside_us_east_1(aws: Aws) -> None:
    """Making a bucket again that one owns is 409 BucketAlreadyOwnedByYou, except in us-east-1."""
    west, name = aws.client("s3", region="eu-west-1"), aws.name("b")
    west.create_bucket(Bucket=name, CreateBucketConfiguration=WEST)
    refuses_with(409, "BucketAlreadyOwnedByYou", west.create_bucket, Bucket=name, CreateBucketConfiguration=WEST)


@behaviour(ERRORS)
def making_ones_own_bucket_again_succeeds_in_us_east_1(aws: Aws) -> None:
    """In us-east-1 making a bucket again that one owns is answered with 200; what is in it stays."""
    name = aws.bucket()
    aws.s3.put_object(Bucket=name, Key="k", Body=b"x")
    aws.s3.create_bucket(Bucket=name)
    equal(aws.s3.get_object(Bucket=name, Key="k")["Body"].read(), b"x", "the object")


@behaviour(ERRORS)
def making_ones_own_bucket_again_resets_its_acl(aws: Aws) -> None:
    """In us-east-1 making a bucket again that one owns resets its access control list."""
    name = aws.bucket(ObjectOwnership="ObjectWriter")
    aws.s3.delete_public_access_block(Bucket=name)
    aws.s3.put_bucket_acl(Bucket=name, ACL="public-read")
    equal(len(aws.s3.get_bucket_acl(Bucket=name)["Grants"]), 2, "the list before")
    aws.s3.create_bucket(Bucket=name, ObjectOwnership="ObjectWriter")
    equal(len(aws.s3.get_bucket_acl(Bucket=name)["Grants"]), 1, "the list after")


@behaviour(CREATE)
def regions_other_than_us_east_1_must_be_named(aws: Aws) -> None:
    """At a regional endpoint the LocationConstraint must be that region: none or another is illegal."""
    create, name = aws.client("s3", region="eu-west-1").create_bucket, aws.name("b")
    refuses_with(400, "IllegalLocationConstraintException", create, Bucket=name)
    other = {"LocationConstraint": "eu-central-1"}
    refuses_with(400, "IllegalLocationConstraintException", create, Bucket=name, CreateBucketConfiguration=other)


@behaviour(CREATE)
def us_east_1_must_not_be_named(aws: Aws) -> None:
    """us-east-1 is no valid LocationConstraint: the element is left out there."""
    named = {"LocationConstraint": "us-east-1"}
    refuses_with(
        400, "InvalidLocationConstraint", aws.s3.create_bucket, Bucket=aws.name("b"), CreateBucketConfiguration=named
    )


@behaviour(ERRORS)
def regions_must_exist(aws: Aws) -> None:
    """A LocationConstraint that is no region is InvalidLocationConstraint."""
    create = aws.client("s3", region="eu-west-1").create_bucket
    nowhere = {"LocationConstraint": "mars-north-1"}
    refuses_with(400, "InvalidLocationConstraint", create, Bucket=aws.name("b"), CreateBucketConfiguration=nowhere)


@behaviour("S3 API Reference, GetBucketLocation")
def a_bucket_tells_its_region(aws: Aws) -> None:
    """GetBucketLocation is null for us-east-1, and otherwise the region."""
    west, name = aws.client("s3", region="eu-west-1"), aws.name("b")
    west.create_bucket(Bucket=name, CreateBucketConfiguration=WEST)
    equal(west.get_bucket_location(Bucket=name)["LocationConstraint"], "eu-west-1", "the region")
    equal(aws.s3.get_bucket_location(Bucket=aws.bucket())["LocationConstraint"], None, "the location in us-east-1")


@behaviour("S3 API Reference, HeadBucket; S3 User Guide, Making requests to Amazon S3: redirects")
def a_client_is_led_to_the_buckets_region(aws: Aws) -> None:
    """A request that is signed for another region is answered with the bucket's region, which SDKs follow."""
    west, name = aws.client("s3", region="eu-west-1"), aws.name("b")
    west.create_bucket(Bucket=name, CreateBucketConfiguration=WEST)
    equal(aws.client("s3", region="ap-southeast-2").head_bucket(Bucket=name)["BucketRegion"], "eu-west-1", "the region")


def regional_name(aws: Aws, account: str, region: str = "us-east-1") -> str:
    return f"b{aws.name('x')[-12:]}-{account}-{region}-an"


@behaviour(NAMESPACES)
def a_bucket_can_be_in_the_accounts_own_namespace(aws: Aws) -> None:
    """A bucket `<prefix>-<account>-<region>-an` can be made with the header x-amz-bucket-namespace."""
    name = regional_name(aws, aws.mine)
    aws.s3.create_bucket(Bucket=name, BucketNamespace="account-regional")
    aws.s3.head_bucket(Bucket=name)


@behaviour(NAMESPACES)
def the_accounts_own_namespace_needs_its_header_and_its_suffix(aws: Aws) -> None:
    """A name of that form needs the header, and the header such a name."""
    refuses(400, aws.s3.create_bucket, Bucket=regional_name(aws, aws.mine))
    refuses(400, aws.s3.create_bucket, Bucket=aws.name("b"), BucketNamespace="account-regional")


@behaviour(NAMESPACES)
def nobody_makes_buckets_in_another_accounts_namespace(aws: Aws) -> None:
    """The account and the region in an account-regional name must be the caller's."""
    for name in (regional_name(aws, aws.theirs), regional_name(aws, aws.mine, "eu-west-1")):
        refuses(400, aws.s3.create_bucket, Bucket=name, BucketNamespace="account-regional")


@behaviour(NAMESPACES)
def the_accounts_own_namespace_never_answers_200_twice(aws: Aws) -> None:
    """Making an account-regional bucket again is 409 BucketAlreadyOwnedByYou in every region, us-east-1 too."""
    name = regional_name(aws, aws.mine)
    aws.s3.create_bucket(Bucket=name, BucketNamespace="account-regional")
    again = {"Bucket": name, "BucketNamespace": "account-regional"}
    refuses_with(409, "BucketAlreadyOwnedByYou", aws.s3.create_bucket, **again)


@behaviour("S3 API Reference, HeadBucket")
def head_tells_a_missing_bucket_from_a_foreign_one(aws: Aws) -> None:
    """HeadBucket is 404 if there is no such bucket and 403 if the caller may not list it."""
    refuses(404, aws.s3.head_bucket, Bucket=aws.name("none"))
    refuses(403, aws.s3.head_bucket, Bucket=aws.bucket(aws.theirs))


@behaviour("S3 API Reference, HeadBucket")
def head_tells_the_region(aws: Aws) -> None:
    """HeadBucket tells the bucket's region, with a 403 too."""
    name = aws.bucket()
    equal(aws.s3.head_bucket(Bucket=name).get("BucketRegion"), "us-east-1", "the region")
    try:
        aws.client("s3", aws.theirs).head_bucket(Bucket=name)
    except aws.s3.exceptions.ClientError as error:
        headers = error.response["ResponseMetadata"]["HTTPHeaders"]
        equal(headers.get("x-amz-bucket-region"), "us-east-1", "the region in the refusal")


@behaviour(OWNER_CONDITION)
def another_owner_than_expected_is_forbidden(aws: Aws) -> None:
    """With another account as x-amz-expected-bucket-owner a request is 403, with the owner it is as without."""
    name = aws.bucket()
    aws.s3.put_object(Bucket=name, Key="k", Body=b"x", ExpectedBucketOwner=aws.mine)
    wrong = {"Bucket": name, "ExpectedBucketOwner": aws.theirs}
    refuses(403, aws.s3.head_bucket, **wrong)
    for call in (aws.s3.get_bucket_tagging, aws.s3.get_bucket_policy, aws.s3.list_objects_v2, aws.s3.delete_bucket):
        refuses_with(403, "AccessDenied", call, **wrong)
    refuses_with(403, "AccessDenied", aws.s3.put_object, Key="k", Body=b"y", **wrong)
    equal(aws.s3.get_object(Bucket=name, Key="k", ExpectedBucketOwner=aws.mine)["Body"].read(), b"x", "the object")


@behaviour("S3 API Reference, DeleteBucket")
def only_an_empty_bucket_can_be_deleted(aws: Aws) -> None:
    """DeleteBucket is 409 BucketNotEmpty while there are objects; a deleted bucket is NoSuchBucket."""
    name = aws.bucket()
    aws.s3.put_object(Bucket=name, Key="k", Body=b"x")
    refuses_with(409, "BucketNotEmpty", aws.s3.delete_bucket, Bucket=name)
    aws.s3.delete_object(Bucket=name, Key="k")
    aws.s3.delete_bucket(Bucket=name)
    refuses_with(404, "NoSuchBucket", aws.s3.delete_bucket, Bucket=name)


@behaviour("S3 User Guide, Deleting a general purpose bucket")
def the_name_of_a_deleted_bucket_is_anybodys(aws: Aws) -> None:
    """A name in the global namespace can be taken by another account once the bucket is deleted."""
    name = aws.bucket()
    aws.s3.delete_bucket(Bucket=name)
    aws.client("s3", aws.theirs).create_bucket(Bucket=name)
    refuses("BucketAlreadyExists", aws.s3.create_bucket, Bucket=name)


@behaviour("S3 API Reference, ListBuckets")
def an_account_lists_its_own_buckets(aws: Aws) -> None:
    """ListBuckets tells the caller's buckets, of all regions, and nobody else's."""
    mine, theirs, west = aws.bucket(), aws.bucket(aws.theirs), aws.name("b")
    aws.client("s3", region="eu-west-1").create_bucket(Bucket=west, CreateBucketConfiguration=WEST)
    names = [bucket["Name"] for bucket in aws.s3.list_buckets()["Buckets"]]
    check(mine in names and west in names, "a bucket is missing")
    check(theirs not in names, "another account's bucket is listed")


@behaviour("S3 API Reference, ListBuckets")
def buckets_are_listed_in_pages(aws: Aws) -> None:
    """MaxBuckets is the size of a page, ContinuationToken the next one, Prefix chooses."""
    prefix = aws.name("p")
    names = [f"{prefix}-{number}" for number in range(3)]
    for name in names:
        aws.s3.create_bucket(Bucket=name)
    first = aws.s3.list_buckets(Prefix=prefix, MaxBuckets=2)
    equal([bucket["Name"] for bucket in first["Buckets"]], names[:2], "the first page")
    second = aws.s3.list_buckets(Prefix=prefix, MaxBuckets=2, ContinuationToken=first["ContinuationToken"])
    equal([bucket["Name"] for bucket in second["Buckets"]], names[2:], "the second page")
    check("ContinuationToken" not in second, "the last page has a token")


@behaviour("S3 API Reference, ListBuckets")
def buckets_can_be_listed_by_region(aws: Aws) -> None:
    """BucketRegion chooses the buckets of a region."""
    east, west = aws.bucket(), aws.name("b")
    client = aws.client("s3", region="eu-west-1")
    client.create_bucket(Bucket=west, CreateBucketConfiguration=WEST)
    listed = client.list_buckets(BucketRegion="eu-west-1", MaxBuckets=100)["Buckets"]
    names = [bucket["Name"] for bucket in listed]
    check(west in names and east not in names, "the list is not by region")
    equal({bucket.get("BucketRegion") for bucket in listed}, {"eu-west-1"}, "the region told")
