"""Makes one organization with boto3 by the calls that the functions make, one after the other.

It ignores most answers, so it takes less than a script that is as careful as the functions. `organization.py` is what most
people write instead.
"""

import json
import sys

import boto3
from botocore import UNSIGNED
from botocore.config import Config

from organization import ACCOUNT, policy, unless

BUS = "org-provisioning"
QUEUE = f"https://sqs.us-east-1.amazonaws.com/{ACCOUNT}/org-provisioning-secret"
# Error codes that say that nothing is there.
MISSING = {
    "404",
    "NoSuchBucket",
    "NoSuchBucketPolicy",
    "NoSuchEntity",
    "NoSuchPublicAccessBlockConfiguration",
    "NoSuchTagSet",
    "OwnershipControlsNotFoundError",
    "ResourceNotFoundException",
}


class Organization:
    """The clients, and the names."""

    def __init__(self, org: str) -> None:
        self.org = org
        self.user, self.bucket, self.secret = f"rms_{org}", f"fusion-rms-{org}", f"fusion-rms/{org}/aws"
        self.tags = [{"Key": "OrgId", "Value": org}, {"Key": "OrgState", "Value": "active"}]
        self.session = session = boto3.Session()
        self.iam, self.s3 = session.client("iam"), session.client("s3")
        self.secrets, self.events, self.sqs = (session.client(name) for name in ("secretsmanager", "events", "sqs"))
        self.anonymous = session.client("s3", config=Config(signature_version=UNSIGNED))

    def begin(self) -> None:
        self.events.describe_event_bus(Name=BUS)

    def tell(self, done: str) -> None:
        detail = json.dumps({"orgId": self.org, "bucketName": self.bucket, "userName": self.user})
        entry = {"EventBusName": BUS, "Source": "script", "DetailType": done, "Detail": detail}
        if self.events.put_events(Entries=[entry])["FailedEntryCount"]:
            raise SystemExit(f"the event {done} was not accepted")

    def look(self, call, **parameters):
        return unless(MISSING, call, **parameters)

    def look_at_bucket(self, *calls: str) -> None:
        self.s3.list_buckets(Prefix=self.bucket, MaxBuckets=10_000)
        for call in ("get_bucket_tagging", *calls):
            self.look(getattr(self.s3, call), Bucket=self.bucket, ExpectedBucketOwner=ACCOUNT)

    def look_at_setup(self) -> None:
        self.look_at_bucket("get_bucket_ownership_controls", "get_bucket_policy", "get_public_access_block")
        self.look(self.s3.head_object, Bucket=self.bucket, Key="pub/", ExpectedBucketOwner=ACCOUNT)

    def look_at_key(self) -> dict | None:
        """The stored key, if there is one."""
        self.look(self.iam.get_user, UserName=self.user)
        self.look(self.iam.list_access_keys, UserName=self.user)
        self.look(self.secrets.describe_secret, SecretId=self.secret)
        stored = self.look(self.secrets.get_secret_value, SecretId=self.secret)
        return stored and json.loads(stored["SecretString"])

    def make_user(self) -> None:
        self.begin()
        self.look_at_bucket()
        if self.look(self.iam.get_user, UserName=self.user) is None:
            self.iam.create_user(UserName=self.user, Tags=self.tags)
        self.tell("IamUserProvisioned")

    def make_bucket(self) -> None:
        self.begin()
        self.look_at_setup()
        configuration = {"Tags": self.tags}
        self.s3.create_bucket(
            Bucket=self.bucket, ObjectOwnership="BucketOwnerEnforced", CreateBucketConfiguration=configuration
        )
        self.s3.get_bucket_tagging(Bucket=self.bucket, ExpectedBucketOwner=ACCOUNT)
        settings = ("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets")
        self.s3.put_public_access_block(
            Bucket=self.bucket,
            PublicAccessBlockConfiguration=dict.fromkeys(settings, False),
            ExpectedBucketOwner=ACCOUNT,
        )
        self.s3.put_object(Bucket=self.bucket, Key="pub/", Body=b"", ExpectedBucketOwner=ACCOUNT)
        self.tell("BucketProvisioned")

    def make_policy(self) -> None:
        self.begin()
        self.look(self.iam.get_user, UserName=self.user)
        self.look_at_bucket("get_bucket_policy", "get_public_access_block")
        document = policy(self.bucket, self.user)
        self.s3.put_bucket_policy(Bucket=self.bucket, Policy=document, ExpectedBucketOwner=ACCOUNT)
        self.tell("BucketPolicyProvisioned")

    def make_key(self) -> None:
        self.begin()
        if self.look_at_key() is None:
            self.sqs.send_message(
                QueueUrl=QUEUE,
                MessageBody=json.dumps({"orgId": self.org, "environment": "production"}),
                DelaySeconds=600,
                MessageAttributes={"DelayedCheck": {"DataType": "String", "StringValue": "true"}},
            )
            key = self.iam.create_access_key(UserName=self.user)["AccessKey"]
            value = {"accessKeyId": key["AccessKeyId"], "secretAccessKey": key["SecretAccessKey"], "userName": self.user}
            self.secrets.create_secret(Name=self.secret, SecretString=json.dumps(value), Tags=self.tags[:1])
        self.tell("SecretProvisioned")

    def verify(self) -> None:
        self.begin()
        stored = self.look_at_key()
        self.look_at_setup()
        tenant = self.session.client(
            "s3", aws_access_key_id=stored["accessKeyId"], aws_secret_access_key=stored["secretAccessKey"]
        )
        tenant.list_objects_v2(Bucket=self.bucket, MaxKeys=1, ExpectedBucketOwner=ACCOUNT)
        if unless({"AccessDenied"}, tenant.list_buckets) is not None:
            raise SystemExit("the stored key lists all buckets")
        self.anonymous.get_object(Bucket=self.bucket, Key="pub/", ExpectedBucketOwner=ACCOUNT)
        self.tell("OrgProvisioned")


def main(org: str) -> None:
    organization = Organization(org)
    organization.make_user()
    organization.make_bucket()
    organization.make_policy()
    organization.make_key()
    organization.verify()


if __name__ == "__main__":
    main(sys.argv[1])
