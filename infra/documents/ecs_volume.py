"""What Amazon ECS may do to give each collector its EBS volume, and with which key. Pure."""

from typing import Any

VERSION = "2012-10-17"


def infrastructure_trust(*, account_id: str) -> dict[str, Any]:
    """Return the trust policy of the role under which ECS manages volumes.

    AWS documents no source condition for this role (Amazon ECS infrastructure IAM role), so the account is demanded
    only where ECS states it: a condition that ECS leaves unanswered would keep every collector from starting.
    """
    return {
        "Version": VERSION,
        "Statement": [
            {
                "Sid": "TakenByEcsForVolumes",
                "Effect": "Allow",
                "Principal": {"Service": "ecs.amazonaws.com"},
                "Action": "sts:AssumeRole",
                "Condition": {"StringEqualsIfExists": {"aws:SourceAccount": account_id}},
            }
        ],
    }


def infrastructure_policy(*, partition: str, region: str, account_id: str, cluster: str) -> dict[str, Any]:
    """Return what AmazonECSInfrastructureRolePolicyForVolumes grants (version of 2026-02-12), for one cluster's tasks.

    Left out of AWS's policy: volumes from snapshots and the look-up of EC2 container instances. Narrowed: the account,
    the region, and the tag that ECS puts on each volume, which names the cluster's task.
    """
    volumes = f"arn:{partition}:ec2:{region}:{account_id}:volume/*"
    made_for_task = {"AmazonECSCreated": f"arn:{partition}:ecs:{region}:{account_id}:task/{cluster}/*"}
    managed = {"AmazonECSManaged": "true"}
    on_request = {
        "StringEquals": {f"aws:RequestTag/{name}": value for name, value in managed.items()},
        "ArnLike": {f"aws:RequestTag/{name}": value for name, value in made_for_task.items()},
    }
    on_volume = {
        "StringEquals": {f"aws:ResourceTag/{name}": value for name, value in managed.items()},
        "ArnLike": {f"aws:ResourceTag/{name}": value for name, value in made_for_task.items()},
    }
    return {
        "Version": VERSION,
        "Statement": [
            {
                "Sid": "CreateTaskVolume",
                "Effect": "Allow",
                "Action": "ec2:CreateVolume",
                "Resource": volumes,
                "Condition": on_request,
            },
            {
                "Sid": "TagTaskVolume",
                "Effect": "Allow",
                "Action": "ec2:CreateTags",
                "Resource": volumes,
                "Condition": {
                    **on_request,
                    "StringEquals": {**on_request["StringEquals"], "ec2:CreateAction": "CreateVolume"},
                },
            },
            {
                "Sid": "SeeVolumes",
                "Effect": "Allow",
                "Action": ["ec2:DescribeAvailabilityZones", "ec2:DescribeVolumes"],
                # Neither action knows a resource (Service Authorization Reference, EC2).
                "Resource": "*",
            },
            {
                "Sid": "AttachTaskVolume",
                "Effect": "Allow",
                "Action": ["ec2:AttachVolume", "ec2:DetachVolume"],
                "Resource": volumes,
                "Condition": on_volume,
            },
            {
                "Sid": "AttachToFargateHost",
                "Effect": "Allow",
                "Action": ["ec2:AttachVolume", "ec2:DetachVolume"],
                # The host belongs to AWS's account, whichever that is; which volume is decided above.
                "Resource": f"arn:{partition}:ec2:{region}:*:instance/*",
            },
            {
                "Sid": "DeleteTaskVolume",
                "Effect": "Allow",
                "Action": "ec2:DeleteVolume",
                "Resource": volumes,
                "Condition": on_volume,
            },
        ],
    }


def volume_key_statements(*, role_arn: str, account_id: str, ec2_service: str) -> list[dict[str, Any]]:
    """Return the key policy statements by which ECS has EC2 encrypt new, empty volumes with the key.

    As AWS documents them (Amazon ECS, "Encrypt data stored in Amazon EBS volumes attached to Amazon ECS tasks"), without
    ReEncrypt, which only snapshots need. `*` is this key.
    """
    through_ec2 = {
        "StringEquals": {"kms:CallerAccount": account_id, "kms:ViaService": ec2_service},
        "ForAnyValue:StringEquals": {"kms:EncryptionContextKeys": "aws:ebs:id"},
    }
    principal = {"AWS": role_arn}
    return [
        {
            "Sid": "EcsSeesKey",
            "Effect": "Allow",
            "Principal": principal,
            "Action": "kms:DescribeKey",
            "Resource": "*",
        },
        {
            "Sid": "EcsEncryptsVolumes",
            "Effect": "Allow",
            "Principal": principal,
            "Action": ["kms:GenerateDataKey", "kms:GenerateDataKeyWithoutPlaintext"],
            "Resource": "*",
            "Condition": through_ec2,
        },
        {
            "Sid": "EcsLetsEc2UseKey",
            "Effect": "Allow",
            "Principal": principal,
            "Action": "kms:CreateGrant",
            "Resource": "*",
            "Condition": {**through_ec2, "Bool": {"kms:GrantIsForAWSResource": "true"}},
        },
    ]
