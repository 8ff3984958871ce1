"""Templates as CloudFormation sees them: short forms, parameters, conditions and references resolved."""

import json
import re
from dataclasses import dataclass
from typing import Any

import yaml

PARTITION, REGION, ACCOUNT, STACK = "aws", "us-east-1", "123456789012", "org-provisioner"
NOTHING = object()
"""What `AWS::NoValue` stands for."""

Template = dict[str, Any]


class Loader(yaml.SafeLoader):
    """CloudFormation's short forms as the long ones."""


def short_form(loader: Loader, suffix: str, node: yaml.Node) -> Any:
    name = suffix if suffix in ("Ref", "Condition") else f"Fn::{suffix}"
    if isinstance(node, yaml.ScalarNode):
        return {name: loader.construct_scalar(node)}
    if isinstance(node, yaml.SequenceNode):
        return {name: loader.construct_sequence(node, deep=True)}
    return {name: loader.construct_mapping(node, deep=True)}


Loader.add_multi_constructor("!", short_form)


def read(text: str) -> Template:
    found: Template = yaml.load(text, Loader)  # noqa: S506: a SafeLoader
    return found


def arn(service: str, rest: str) -> str:
    region = "" if service in ("iam", "s3") else REGION
    account = "" if service == "s3" else ACCOUNT
    return f"arn:{PARTITION}:{service}:{region}:{account}:{rest}"


@dataclass
class Stack:
    """A template with values for its parameters. What cannot be resolved is a KeyError."""

    template: Template
    parameters: dict[str, Any]

    def __post_init__(self) -> None:
        declared = self.template.get("Parameters", {})
        given = {name: self.parameters[name] for name in self.parameters if name in declared}
        defaults = {name: found["Default"] for name, found in declared.items() if "Default" in found}
        self.values = defaults | given
        for name, found in declared.items():
            if found["Type"] == "CommaDelimitedList" and isinstance(self.values.get(name), str):
                self.values[name] = self.values[name].split(",") if self.values[name] else [""]
        self._conditions: dict[str, bool] = {}
        self._resources: dict[str, Template] | None = None

    def condition(self, name: str) -> bool:
        if name not in self._conditions:
            self._conditions[name] = bool(self.resolve(self.template["Conditions"][name]))
        return self._conditions[name]

    def resources(self) -> dict[str, Template]:
        """The resources that there are, with their properties resolved."""
        if self._resources is None:
            self._resources = {
                name: {**resource, "Properties": self.resolve(resource.get("Properties", {}))}
                for name, resource in self.template["Resources"].items()
                if "Condition" not in resource or self.condition(resource["Condition"])
            }
        return self._resources

    def resolve(self, value: Any) -> Any:
        if isinstance(value, list):
            return [found for found in map(self.resolve, value) if found is not NOTHING]
        if not isinstance(value, dict):
            return value
        if len(value) == 1:
            name, argument = next(iter(value.items()))
            if name == "Ref":
                return self.reference(argument)
            if name.startswith("Fn::"):
                return getattr(self, f"_{name[4:].lower()}")(argument)
        found = {name: self.resolve(inner) for name, inner in value.items()}
        return {name: inner for name, inner in found.items() if inner is not NOTHING}

    def reference(self, name: str) -> Any:
        pseudo = {
            "AWS::NoValue": NOTHING,
            "AWS::Partition": PARTITION,
            "AWS::Region": REGION,
            "AWS::AccountId": ACCOUNT,
        }
        if name in pseudo:
            return pseudo[name]
        if name in self.template.get("Parameters", {}):
            return self.values[name]
        kind, own = self.kind(name), self.name(name)
        if kind == "AWS::SQS::Queue":
            return f"https://sqs.{REGION}.amazonaws.com/{ACCOUNT}/{own}"
        arns = ("AWS::SNS::Topic", "AWS::Serverless::StateMachine", "AWS::StepFunctions::StateMachine")
        return self.attribute(name, "Arn") if kind in arns else own

    def kind(self, name: str) -> str:
        return str(self.template["Resources"][name]["Type"])

    def name(self, logical: str) -> str:
        """A resource's own name; CloudFormation makes one from its logical id where the template has none."""
        properties = self.template["Resources"][logical].get("Properties", {})
        fields = ("Name", "QueueName", "FunctionName", "LogGroupName", "StateMachineName")
        named = next((properties[field] for field in fields if field in properties), f"{STACK}-{logical}")
        return str(self.resolve(named))

    def attribute(self, name: str, attribute: str) -> str:
        own = self.name(name)
        if attribute.startswith("Outputs."):
            return f"<{name}.{attribute}>"
        if attribute != "Arn":
            raise KeyError(f"{name}.{attribute}")
        services = {
            "AWS::Events::EventBus": ("events", f"event-bus/{own}"),
            "AWS::IAM::Role": ("iam", f"role/{own}"),
            "AWS::Logs::LogGroup": ("logs", f"log-group:{own}:*"),
            "AWS::SNS::Topic": ("sns", own),
            "AWS::SQS::Queue": ("sqs", own),
            "AWS::Serverless::Function": ("lambda", f"function:{own}"),
            "AWS::Serverless::StateMachine": ("states", f"stateMachine:{own}"),
            "AWS::StepFunctions::StateMachine": ("states", f"stateMachine:{own}"),
        }
        return arn(*services[self.kind(name)])

    def _getatt(self, argument: Any) -> str:
        name, attribute = argument if isinstance(argument, list) else argument.split(".", 1)
        return self.attribute(name, attribute)

    def _sub(self, argument: Any) -> str:
        text, own = argument if isinstance(argument, list) else (argument, {})
        own = {name: self.resolve(inner) for name, inner in own.items()}

        def replaced(match: re.Match[str]) -> str:
            name = match[1]
            if name in own:
                return str(own[name])
            return str(self._getatt(name) if "." in name else self.reference(name))

        return re.sub(r"\$\{([^!}][^}]*)\}", replaced, text)

    def _join(self, argument: list[Any]) -> str:
        return str(argument[0]).join(str(part) for part in self.resolve(argument[1]))

    def _split(self, argument: list[Any]) -> list[str]:
        return str(self.resolve(argument[1])).split(argument[0])

    def _if(self, argument: list[Any]) -> Any:
        return self.resolve(argument[1 if self.condition(argument[0]) else 2])

    def _equals(self, argument: list[Any]) -> bool:
        first, second = self.resolve(argument)
        return str(first) == str(second)

    def _not(self, argument: list[Any]) -> bool:
        return not self.resolve(argument[0])


def canonical(value: Any) -> str:
    """Equal for equal policies: a value alone is a list of one, and the order of a list means nothing."""

    def ordered(inner: Any) -> Any:
        if isinstance(inner, dict):
            return {name: ordered(content) for name, content in inner.items()}
        if isinstance(inner, list):
            return sorted((ordered(each) if isinstance(each, dict) else str(each) for each in inner), key=json.dumps)
        return [str(inner)]

    return json.dumps(ordered(value), sort_keys=True)
