"""IAM: users, access keys, policies and groups."""

import re

from aws import Aws, allow, policy
from behaviour import behaviour, check, equal, refuses, refuses_with

CREATE_USER = "IAM API Reference, CreateUser"
CREATE_KEY = "IAM API Reference, CreateAccessKey"
DELETE_USER = "IAM API Reference, DeleteUser"
QUOTAS = "IAM User Guide, IAM and AWS STS quotas"
IDENTIFIERS = "IAM User Guide, IAM identifiers"
LIST_KEYS = "IAM API Reference, ListAccessKeys"
ANYTHING = policy(allow("s3:ListAllMyBuckets", "*"))


@behaviour(CREATE_USER)
def user_names_have_at_most_64_characters(aws: Aws) -> None:
    """A user name has 1 to 64 characters."""
    longest = aws.name("u").ljust(64, "x")
    aws.iam.create_user(UserName=longest)
    refuses("ValidationError", aws.iam.create_user, UserName=longest + "x")


@behaviour(CREATE_USER)
def user_names_are_of_a_character_set(aws: Aws) -> None:
    """A user name has letters, digits and `_+=,.@-` only."""
    aws.iam.create_user(UserName=aws.name("a_+=,.@-"))
    for name in ("a b", "a/b", "a:b", "a*", "ä"):
        refuses("ValidationError", aws.iam.create_user, UserName=name)


@behaviour(CREATE_USER)
def user_names_are_unique_whatever_their_case(aws: Aws) -> None:
    """User names are not distinguished by case: `rms_x` and `RMS_X` cannot both exist."""
    name = aws.user()["UserName"]
    refuses_with(409, "EntityAlreadyExists", aws.iam.create_user, UserName=name)
    refuses_with(409, "EntityAlreadyExists", aws.iam.create_user, UserName=name.upper())


@behaviour(IDENTIFIERS)
def the_arn_has_the_path(aws: Aws) -> None:
    """A user's ARN has its account and its path."""
    user = aws.user(Path="/division/team/")
    equal(user["Arn"], f"arn:aws:iam::{aws.mine}:user/division/team/{user['UserName']}", "the ARN")


@behaviour(CREATE_USER)
def a_path_begins_and_ends_with_a_slash(aws: Aws) -> None:
    """A path is `/`, or begins and ends with a slash."""
    for path in ("team", "/team", "team/"):
        refuses("ValidationError", aws.iam.create_user, UserName=aws.name("u"), Path=path)


@behaviour(CREATE_USER)
def users_can_be_made_with_tags(aws: Aws) -> None:
    """CreateUser takes tags; GetUser and ListUserTags tell them."""
    tags = [{"Key": "orgid", "Value": "acme"}, {"Key": "Empty", "Value": ""}]
    name = aws.user(Tags=tags)["UserName"]
    listed = aws.iam.list_user_tags(UserName=name)["Tags"]
    equal(sorted(listed, key=str), sorted(tags, key=str), "the list of tags")
    equal(sorted(aws.iam.get_user(UserName=name)["User"].get("Tags", []), key=str), sorted(tags, key=str), "the user")


@behaviour(CREATE_USER)
def one_bad_tag_fails_the_whole_creation(aws: Aws) -> None:
    """If a tag is invalid the entire request fails and the resource is not created."""
    name = aws.name("u")
    twice = [{"Key": "orgid", "Value": "a"}, {"Key": "OrgId", "Value": "b"}]
    refuses("InvalidInput", aws.iam.create_user, UserName=name, Tags=twice)
    refuses("NoSuchEntity", aws.iam.get_user, UserName=name)


@behaviour("IAM User Guide, Tags for IAM resources")
def tag_keys_do_not_begin_with_aws(aws: Aws) -> None:
    """A tag key cannot begin with `aws:`."""
    refuses("InvalidInput", aws.iam.create_user, UserName=aws.name("u"), Tags=[{"Key": "aws:x", "Value": ""}])


@behaviour(QUOTAS)
def a_user_has_50_tags_at_most(aws: Aws) -> None:
    """A user has 50 tags at most."""
    tags = [{"Key": f"k{number}", "Value": "v"} for number in range(50)]
    name = aws.user(Tags=tags)["UserName"]
    refuses_with(409, "LimitExceeded", aws.iam.tag_user, UserName=name, Tags=[{"Key": "one-more", "Value": "v"}])


@behaviour("IAM User Guide, Tags for IAM resources")
def tag_keys_ignore_case(aws: Aws) -> None:
    """Tag keys are not distinguished by case; the last spelling is kept."""
    name = aws.user(Tags=[{"Key": "OrgId", "Value": "a"}, {"Key": "other", "Value": "x"}])["UserName"]
    aws.iam.tag_user(UserName=name, Tags=[{"Key": "orgid", "Value": "b"}])
    tags = {tag["Key"]: tag["Value"] for tag in aws.iam.list_user_tags(UserName=name)["Tags"]}
    equal(tags, {"orgid": "b", "other": "x"}, "the set of tags")


@behaviour("IAM API Reference, UntagUser")
def tags_can_be_taken_off(aws: Aws) -> None:
    """UntagUser removes the tags with these keys; a key that is not there is no error."""
    name = aws.user(Tags=[{"Key": "a", "Value": "1"}, {"Key": "b", "Value": "2"}])["UserName"]
    aws.iam.untag_user(UserName=name, TagKeys=["a", "none"])
    equal(aws.iam.list_user_tags(UserName=name)["Tags"], [{"Key": "b", "Value": "2"}], "the set of tags")


@behaviour(QUOTAS)
def a_user_has_two_access_keys_at_most(aws: Aws) -> None:
    """A third access key is LimitExceeded."""
    user = aws.user()
    aws.key(user), aws.key(user)
    refuses_with(409, "LimitExceeded", aws.iam.create_access_key, UserName=user["UserName"])


@behaviour("IAM User Guide, Manage access keys for IAM users")
def inactive_access_keys_count(aws: Aws) -> None:
    """An inactive access key counts toward the limit of two."""
    user = aws.user()
    name = user["UserName"]
    for key in (aws.key(user), aws.key(user)):
        aws.iam.update_access_key(UserName=name, AccessKeyId=key["AccessKeyId"], Status="Inactive")
    refuses("LimitExceeded", aws.iam.create_access_key, UserName=name)


@behaviour("IAM API Reference, DeleteAccessKey")
def a_deleted_access_key_makes_room(aws: Aws) -> None:
    """A deleted key does not count any more, and deleting it again is NoSuchEntity."""
    user = aws.user()
    name = user["UserName"]
    first, _ = aws.key(user), aws.key(user)
    aws.iam.delete_access_key(UserName=name, AccessKeyId=first["AccessKeyId"])
    refuses_with(404, "NoSuchEntity", aws.iam.delete_access_key, UserName=name, AccessKeyId=first["AccessKeyId"])
    aws.key(user)


@behaviour(IDENTIFIERS)
def ids_tell_what_they_are_of(aws: Aws) -> None:
    """Access key ids begin with AKIA and user ids with AIDA, and have upper-case letters and digits."""
    user = aws.user()
    check(re.fullmatch("AIDA[A-Z0-9]{12,28}", user["UserId"]), "the user id has another form")
    check(re.fullmatch("AKIA[A-Z0-9]{12,28}", aws.key(user)["AccessKeyId"]), "the access key id has another form")


@behaviour(CREATE_KEY)
def a_secret_is_told_once(aws: Aws) -> None:
    """Only CreateAccessKey tells the secret access key, which has 40 characters; ListAccessKeys does not."""
    user = aws.user()
    equal(len(aws.key(user)["SecretAccessKey"]), 40, "the secret's length")
    listed = aws.iam.list_access_keys(UserName=user["UserName"])["AccessKeyMetadata"]
    equal([sorted(key) for key in listed], [["AccessKeyId", "CreateDate", "Status", "UserName"]], "what is listed")


@behaviour(LIST_KEYS)
def a_key_can_be_switched_off_and_on(aws: Aws) -> None:
    """UpdateAccessKey changes the status that ListAccessKeys tells."""
    user = aws.user()
    name, key_id = user["UserName"], aws.key(user)["AccessKeyId"]
    for status in ("Inactive", "Active"):
        aws.iam.update_access_key(UserName=name, AccessKeyId=key_id, Status=status)
        (key,) = aws.iam.list_access_keys(UserName=name)["AccessKeyMetadata"]
        equal(key["Status"], status, "the status")


@behaviour("IAM API Reference, GetAccessKeyLastUsed")
def a_key_that_was_never_used_has_no_date(aws: Aws) -> None:
    """A key that was never used has no LastUsedDate, and N/A as service and region."""
    used = aws.iam.get_access_key_last_used(AccessKeyId=aws.key(aws.user())["AccessKeyId"])["AccessKeyLastUsed"]
    equal((used.get("LastUsedDate"), used.get("ServiceName"), used.get("Region")), (None, "N/A", "N/A"), "the last use")


@behaviour("IAM API Reference, AccessKeyLastUsed")
def the_last_use_of_a_key_is_told(aws: Aws) -> None:
    """After a call the key's last used service and region are those that the call was signed for."""
    user = aws.user()
    key = aws.key(user)
    aws.as_key("sts", key, "eu-west-1").get_caller_identity()
    told = aws.iam.get_access_key_last_used(AccessKeyId=key["AccessKeyId"])
    equal(told.get("UserName"), user["UserName"], "the user")
    used = told["AccessKeyLastUsed"]
    check(used.get("LastUsedDate"), "there is no date of the last use")
    equal((used["ServiceName"], used["Region"]), ("sts", "eu-west-1"), "the last use")


@behaviour("IAM API Reference, Common errors and GetUser")
def what_is_not_there_is_no_such_entity(aws: Aws) -> None:
    """Operations on a user that does not exist are refused with NoSuchEntity, HTTP 404."""
    name = aws.name("nobody")
    for call in (
        aws.iam.get_user,
        aws.iam.create_access_key,
        aws.iam.list_access_keys,
        aws.iam.list_user_tags,
        aws.iam.delete_user,
    ):
        refuses_with(404, "NoSuchEntity", call, UserName=name)


@behaviour(DELETE_USER)
def a_user_with_access_keys_cannot_be_deleted(aws: Aws) -> None:
    """DeleteUser is a DeleteConflict while the user has access keys, inactive ones too."""
    user = aws.user()
    name, key_id = user["UserName"], aws.key(user)["AccessKeyId"]
    aws.iam.update_access_key(UserName=name, AccessKeyId=key_id, Status="Inactive")
    refuses_with(409, "DeleteConflict", aws.iam.delete_user, UserName=name)
    aws.iam.delete_access_key(UserName=name, AccessKeyId=key_id)
    aws.iam.delete_user(UserName=name)
    refuses("NoSuchEntity", aws.iam.get_user, UserName=name)


@behaviour(DELETE_USER)
def a_user_with_a_login_profile_cannot_be_deleted(aws: Aws) -> None:
    """DeleteUser is a DeleteConflict while the user has a password."""
    name = aws.user()["UserName"]
    aws.iam.create_login_profile(UserName=name, Password="Corr3ct-horse-battery!")
    refuses_with(409, "DeleteConflict", aws.iam.delete_user, UserName=name)
    aws.iam.delete_login_profile(UserName=name)
    aws.iam.delete_user(UserName=name)


@behaviour(DELETE_USER)
def a_user_with_an_inline_policy_cannot_be_deleted(aws: Aws) -> None:
    """DeleteUser is a DeleteConflict while the user has inline policies."""
    name = aws.user()["UserName"]
    aws.iam.put_user_policy(UserName=name, PolicyName="p", PolicyDocument=ANYTHING)
    refuses_with(409, "DeleteConflict", aws.iam.delete_user, UserName=name)
    aws.iam.delete_user_policy(UserName=name, PolicyName="p")
    aws.iam.delete_user(UserName=name)


@behaviour(DELETE_USER)
def a_user_with_an_attached_policy_cannot_be_deleted(aws: Aws) -> None:
    """DeleteUser is a DeleteConflict while policies are attached to the user."""
    name = aws.user()["UserName"]
    arn = aws.iam.create_policy(PolicyName=aws.name("p"), PolicyDocument=ANYTHING)["Policy"]["Arn"]
    aws.iam.attach_user_policy(UserName=name, PolicyArn=arn)
    refuses_with(409, "DeleteConflict", aws.iam.delete_user, UserName=name)
    aws.iam.detach_user_policy(UserName=name, PolicyArn=arn)
    aws.iam.delete_user(UserName=name)


@behaviour(DELETE_USER)
def a_user_in_a_group_cannot_be_deleted(aws: Aws) -> None:
    """DeleteUser is a DeleteConflict while the user is in a group."""
    name, group = aws.user()["UserName"], aws.name("group")
    aws.iam.create_group(GroupName=group)
    aws.iam.add_user_to_group(GroupName=group, UserName=name)
    refuses_with(409, "DeleteConflict", aws.iam.delete_user, UserName=name)
    aws.iam.remove_user_from_group(GroupName=group, UserName=name)
    aws.iam.delete_user(UserName=name)


@behaviour(IDENTIFIERS)
def a_user_made_again_has_a_new_id(aws: Aws) -> None:
    """A user that is deleted and made again has the same ARN and another unique id."""
    old = aws.user()
    aws.iam.delete_user(UserName=old["UserName"])
    new = aws.user(UserName=old["UserName"])
    equal(new["Arn"], old["Arn"], "the ARN")
    check(new["UserId"] != old["UserId"], "the unique id is used again")


@behaviour("IAM API Reference, ListUsers")
def users_are_listed_in_pages(aws: Aws) -> None:
    """ListUsers gives MaxItems at most, and a Marker for the rest; PathPrefix chooses."""
    path = f"/{aws.name('path')}/"
    names = sorted(aws.user(Path=path)["UserName"] for _ in range(3))
    aws.user()
    first = aws.iam.list_users(PathPrefix=path, MaxItems=2)
    equal((len(first["Users"]), first["IsTruncated"]), (2, True), "the first page")
    second = aws.iam.list_users(PathPrefix=path, MaxItems=2, Marker=first["Marker"])
    equal((len(second["Users"]), second["IsTruncated"]), (1, False), "the second page")
    equal(sorted(user["UserName"] for user in first["Users"] + second["Users"]), names, "the list")


@behaviour("IAM API Reference, ListUsers")
def lists_of_users_have_no_tags(aws: Aws) -> None:
    """ListUsers does not return tags: use GetUser for them."""
    path = f"/{aws.name('path')}/"
    aws.user(Path=path, Tags=[{"Key": "a", "Value": "1"}])
    (user,) = aws.iam.list_users(PathPrefix=path)["Users"]
    check(not user.get("Tags"), "the list has tags")


@behaviour(LIST_KEYS)
def access_keys_are_listed_in_pages(aws: Aws) -> None:
    """ListAccessKeys gives MaxItems at most, and a Marker for the rest."""
    user = aws.user()
    ids = {aws.key(user)["AccessKeyId"], aws.key(user)["AccessKeyId"]}
    pages = aws.iam.get_paginator("list_access_keys").paginate(
        UserName=user["UserName"], PaginationConfig={"PageSize": 1}
    )
    pages = [[key["AccessKeyId"] for key in page["AccessKeyMetadata"]] for page in pages]
    equal(([len(page) for page in pages], {key for page in pages for key in page}), ([1, 1], ids), "the pages")


@behaviour("IAM API Reference, ListUserTags")
def tags_are_listed_in_pages(aws: Aws) -> None:
    """ListUserTags gives MaxItems at most, and a Marker for the rest."""
    tags = [{"Key": f"k{number}", "Value": str(number)} for number in range(3)]
    name = aws.user(Tags=tags)["UserName"]
    first = aws.iam.list_user_tags(UserName=name, MaxItems=2)
    equal((len(first["Tags"]), first["IsTruncated"]), (2, True), "the first page")
    second = aws.iam.list_user_tags(UserName=name, MaxItems=2, Marker=first["Marker"])
    equal(sorted(first["Tags"] + second["Tags"], key=str), tags, "the list")


@behaviour("IAM API Reference, CreateLoginProfile and GetLoginProfile")
def a_user_has_one_login_profile(aws: Aws) -> None:
    """A second login profile is EntityAlreadyExists; one that is not there is NoSuchEntity."""
    name = aws.user()["UserName"]
    refuses("NoSuchEntity", aws.iam.get_login_profile, UserName=name)
    aws.iam.create_login_profile(UserName=name, Password="Corr3ct-horse-battery!")
    equal(aws.iam.get_login_profile(UserName=name)["LoginProfile"]["UserName"], name, "the profile's user")
    refuses("EntityAlreadyExists", aws.iam.create_login_profile, UserName=name, Password="Corr3ct-horse-battery!")


@behaviour("IAM API Reference, GetAccountSummary")
def the_account_summary_has_quotas(aws: Aws) -> None:
    """GetAccountSummary tells how many users there are and may be, and that a user has two access keys."""
    aws.user()
    summary = aws.iam.get_account_summary()["SummaryMap"]
    check(summary["Users"] >= 1, "the users are not counted")
    equal((summary["UsersQuota"], summary["AccessKeysPerUserQuota"]), (5000, 2), "a quota")


@behaviour("IAM API Reference, GetUser")
def a_user_may_leave_out_its_own_name(aws: Aws) -> None:
    """Without UserName GetUser is about the user whose access key signed."""
    user, key = aws.user_with(allow("iam:GetUser", "*"))
    equal(aws.as_key("iam", key).get_user()["User"]["UserId"], user["UserId"], "the user")


@behaviour("IAM User Guide, IAM identifiers")
def every_account_has_its_own_users(aws: Aws) -> None:
    """User names are unique within an account."""
    user = aws.user()
    theirs = aws.client("iam", aws.theirs)
    refuses("NoSuchEntity", theirs.get_user, UserName=user["UserName"])
    other = theirs.create_user(UserName=user["UserName"])["User"]
    equal(other["Arn"].split(":")[4], aws.theirs, "the account in the ARN")


@behaviour("IAM User Guide, What is IAM?")
def iam_is_the_same_in_all_regions(aws: Aws) -> None:
    """IAM is a global service: what is made through one region's endpoint is there in all."""
    user = aws.user()
    got = aws.client("iam", region="eu-central-1").get_user(UserName=user["UserName"])["User"]
    equal(got["UserId"], user["UserId"], "the user")
