"""S3: a bucket's tags, ownership, access control list and Block Public Access."""

from aws import Aws, allow, objects, policy
from behaviour import behaviour, equal, refuses, refuses_with

CREATE = "S3 API Reference, CreateBucket"
OWNERSHIP = "S3 User Guide, Controlling ownership of objects and disabling ACLs for your bucket"
BLOCK = "S3 User Guide, Blocking public access to your Amazon S3 storage"
TAGS = "S3 API Reference, PutBucketTagging"


@behaviour(CREATE)
def a_bucket_can_be_made_with_tags(aws: Aws) -> None:
    """CreateBucketConfiguration.Tags are the new bucket's tags."""
    tags = [{"Key": "orgid", "Value": "acme"}]
    name = aws.bucket(CreateBucketConfiguration={"Tags": tags})
    equal(aws.s3.get_bucket_tagging(Bucket=name)["TagSet"], tags, "the tag set")


@behaviour(CREATE)
def a_bucket_can_be_made_with_object_ownership(aws: Aws) -> None:
    """x-amz-object-ownership sets the new bucket's ownership."""
    name = aws.bucket(ObjectOwnership="BucketOwnerPreferred")
    rules = aws.s3.get_bucket_ownership_controls(Bucket=name)["OwnershipControls"]["Rules"]
    equal(rules, [{"ObjectOwnership": "BucketOwnerPreferred"}], "the ownership")


@behaviour(OWNERSHIP)
def new_buckets_have_their_owner_enforced(aws: Aws) -> None:
    """Object ownership of a new bucket is BucketOwnerEnforced by default."""
    rules = aws.s3.get_bucket_ownership_controls(Bucket=aws.bucket())["OwnershipControls"]["Rules"]
    equal(rules, [{"ObjectOwnership": "BucketOwnerEnforced"}], "the ownership")


@behaviour("S3 API Reference, GetBucketOwnershipControls")
def ownership_controls_can_be_gone(aws: Aws) -> None:
    """Deleted ownership controls are OwnershipControlsNotFoundError, and lists count again."""
    name = aws.bucket()
    aws.s3.delete_bucket_ownership_controls(Bucket=name)
    refuses_with(404, "OwnershipControlsNotFoundError", aws.s3.get_bucket_ownership_controls, Bucket=name)
    aws.s3.put_bucket_acl(Bucket=name, ACL="private")


@behaviour(BLOCK)
def new_buckets_block_public_access(aws: Aws) -> None:
    """All four Block Public Access settings of a new bucket are on."""
    block = aws.s3.get_public_access_block(Bucket=aws.bucket())["PublicAccessBlockConfiguration"]
    equal((len(block), all(block.values())), (4, True), "the configuration")


@behaviour("S3 User Guide, Setting default server-side encryption behavior for Amazon S3 buckets")
def new_buckets_are_encrypted(aws: Aws) -> None:
    """A new bucket's default encryption is by S3's own keys."""
    told = aws.s3.get_bucket_encryption(Bucket=aws.bucket())["ServerSideEncryptionConfiguration"]["Rules"]
    equal([rule["ApplyServerSideEncryptionByDefault"]["SSEAlgorithm"] for rule in told], ["AES256"], "the algorithm")


@behaviour("S3 User Guide, Blocking or unblocking SSE-C for a general purpose bucket")
def new_buckets_take_no_keys_of_customers(aws: Aws) -> None:
    """Encryption with customers' keys is blocked in a new bucket."""
    told = aws.s3.get_bucket_encryption(Bucket=aws.bucket())["ServerSideEncryptionConfiguration"]["Rules"]
    equal([rule.get("BlockedEncryptionTypes") for rule in told], [{"EncryptionType": ["SSE-C"]}], "what is blocked")


@behaviour("S3 API Reference, GetBucketVersioning")
def new_buckets_have_no_versioning_status(aws: Aws) -> None:
    """A bucket that never had versioning enabled tells no versioning status."""
    equal(aws.s3.get_bucket_versioning(Bucket=aws.bucket()).get("Status"), None, "the status")


@behaviour("S3 API Reference, PutPublicAccessBlock and GetPublicAccessBlock")
def a_public_access_block_is_put_whole(aws: Aws) -> None:
    """PutPublicAccessBlock replaces all four; deleted it is NoSuchPublicAccessBlockConfiguration."""
    name = aws.bucket()
    aws.s3.put_public_access_block(Bucket=name, PublicAccessBlockConfiguration={"BlockPublicAcls": True})
    block = aws.s3.get_public_access_block(Bucket=name)["PublicAccessBlockConfiguration"]
    equal(sorted(key for key, value in block.items() if value), ["BlockPublicAcls"], "the configuration")
    aws.s3.delete_public_access_block(Bucket=name)
    refuses_with(404, "NoSuchPublicAccessBlockConfiguration", aws.s3.get_public_access_block, Bucket=name)


@behaviour("S3 API Reference, GetPublicAccessBlock (S3 Control)")
def an_account_has_a_public_access_block_of_its_own(aws: Aws) -> None:
    """The account's setting is NoSuchPublicAccessBlockConfiguration until it is put, and after it is deleted."""
    control = aws.client("s3control")
    refuses_with(404, "NoSuchPublicAccessBlockConfiguration", control.get_public_access_block, AccountId=aws.mine)
    setting = dict.fromkeys(("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets"), True)
    control.put_public_access_block(AccountId=aws.mine, PublicAccessBlockConfiguration=setting)
    got = control.get_public_access_block(AccountId=aws.mine)["PublicAccessBlockConfiguration"]
    equal(got, setting, "the configuration")
    control.delete_public_access_block(AccountId=aws.mine)
    refuses("NoSuchPublicAccessBlockConfiguration", control.get_public_access_block, AccountId=aws.mine)


@behaviour(BLOCK)
def the_accounts_block_wins(aws: Aws) -> None:
    """The most restrictive of the account's and the bucket's setting counts."""
    name = aws.bucket()
    aws.s3.delete_public_access_block(Bucket=name)
    control = aws.client("s3control")
    control.put_public_access_block(AccountId=aws.mine, PublicAccessBlockConfiguration={"BlockPublicPolicy": True})
    public = policy(allow("s3:GetObject", objects(name), "*"))
    refuses_with(403, "AccessDenied", aws.s3.put_bucket_policy, Bucket=name, Policy=public)
    control.delete_public_access_block(AccountId=aws.mine)
    aws.s3.put_bucket_policy(Bucket=name, Policy=public)


@behaviour(TAGS)
def putting_tags_replaces_the_set(aws: Aws) -> None:
    """PutBucketTagging replaces the whole set; without tags it is NoSuchTagSet."""
    name = aws.bucket()
    refuses_with(404, "NoSuchTagSet", aws.s3.get_bucket_tagging, Bucket=name)
    for tags in ([{"Key": "a", "Value": "1"}, {"Key": "A", "Value": "2"}], [{"Key": "b", "Value": "3"}]):
        aws.s3.put_bucket_tagging(Bucket=name, Tagging={"TagSet": tags})
        equal(sorted(aws.s3.get_bucket_tagging(Bucket=name)["TagSet"], key=str), sorted(tags, key=str), "the tag set")
    aws.s3.delete_bucket_tagging(Bucket=name)
    refuses("NoSuchTagSet", aws.s3.get_bucket_tagging, Bucket=name)


@behaviour(TAGS)
def tags_have_limits(aws: Aws) -> None:
    """Keys are unique and at most 128 characters long, values 256; one bad tag changes nothing."""
    name = aws.bucket()
    for tags in (
        [{"Key": "a", "Value": "1"}, {"Key": "a", "Value": "2"}],
        [{"Key": "k" * 129, "Value": "1"}],
        [{"Key": "k", "Value": "v" * 257}],
        [{"Key": "aws:k", "Value": "v"}],
    ):
        refuses_with(400, "InvalidTag", aws.s3.put_bucket_tagging, Bucket=name, Tagging={"TagSet": tags})
    refuses("NoSuchTagSet", aws.s3.get_bucket_tagging, Bucket=name)


@behaviour("S3 User Guide, Using cost allocation S3 bucket tags")
def a_bucket_has_50_tags_at_most(aws: Aws) -> None:
    """A tag set has 50 tags at most."""
    name = aws.bucket()
    tags = [{"Key": f"k{number}", "Value": "v"} for number in range(51)]
    refuses(400, aws.s3.put_bucket_tagging, Bucket=name, Tagging={"TagSet": tags})
    aws.s3.put_bucket_tagging(Bucket=name, Tagging={"TagSet": tags[:50]})


@behaviour(OWNERSHIP)
def lists_are_refused_while_ownership_is_enforced(aws: Aws) -> None:
    """With BucketOwnerEnforced a request that sets an ACL is AccessControlListNotSupported."""
    name = aws.bucket()
    # Otherwise a public list would be refused for that reason as well.
    aws.s3.delete_public_access_block(Bucket=name)
    refuses_with(400, "AccessControlListNotSupported", aws.s3.put_bucket_acl, Bucket=name, ACL="public-read")
    put = {"Bucket": name, "Key": "k", "Body": b"x"}
    refuses_with(400, "AccessControlListNotSupported", aws.s3.put_object, **put, ACL="public-read")
    aws.s3.put_object(**put, ACL="bucket-owner-full-control")


@behaviour(CREATE)
def a_new_bucket_with_its_owner_enforced_takes_no_public_list(aws: Aws) -> None:
    """CreateBucket with a public ACL is InvalidBucketAclWithObjectOwnership by default."""
    create = {"Bucket": aws.name("b"), "ACL": "public-read"}
    refuses_with(400, "InvalidBucketAclWithObjectOwnership", aws.s3.create_bucket, **create)


@behaviour(BLOCK)
def public_lists_are_blocked(aws: Aws) -> None:
    """BlockPublicAcls refuses a public ACL with AccessDenied."""
    name = aws.bucket(ObjectOwnership="ObjectWriter")
    refuses_with(403, "AccessDenied", aws.s3.put_bucket_acl, Bucket=name, ACL="public-read")
    aws.s3.delete_public_access_block(Bucket=name)
    aws.s3.put_bucket_acl(Bucket=name, ACL="public-read")
    aws.anonymous().list_objects_v2(Bucket=name)
