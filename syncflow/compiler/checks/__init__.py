"""What can be told of a project before it runs: each check a small function from the project to diagnostics."""

from __future__ import annotations

from collections.abc import Iterator

from syncflow.compiler.checks.adopting import check_adopting
from syncflow.compiler.checks.alerts import check_alerts
from syncflow.compiler.checks.competing import check_competing
from syncflow.compiler.checks.constants import check_constants
from syncflow.compiler.checks.contradictions import check_contradictions
from syncflow.compiler.checks.coverage import check_coverage
from syncflow.compiler.checks.envelopes import check_envelopes
from syncflow.compiler.checks.expressions import check_expressions
from syncflow.compiler.checks.fields import check_fields
from syncflow.compiler.checks.generated import check_generated
from syncflow.compiler.checks.guards import check_guards
from syncflow.compiler.checks.inference import check_inference
from syncflow.compiler.checks.keys import check_ids, check_keys
from syncflow.compiler.checks.objects import check_objects
from syncflow.compiler.checks.one_of import check_groups
from syncflow.compiler.checks.own_functions import check_own_functions
from syncflow.compiler.checks.paths import check_paths
from syncflow.compiler.checks.reach import check_reach
from syncflow.compiler.checks.relations import check_relations
from syncflow.compiler.checks.routes import check_routes
from syncflow.compiler.checks.rules import check_rules
from syncflow.compiler.checks.schemas import check_schemas
from syncflow.compiler.checks.secrets import check_secrets
from syncflow.compiler.checks.settings import check_settings
from syncflow.compiler.checks.systems import check_systems
from syncflow.compiler.checks.tables import check_tables
from syncflow.compiler.checks.trials import check_trials
from syncflow.compiler.checks.unread import check_unread_rules
from syncflow.compiler.checks.unused_files import check_unused_files
from syncflow.config.diagnostics import Diagnostic
from syncflow.config.project import Project
from syncflow.config.shipped import is_shipped


def find_problems(project: Project) -> Iterator[Diagnostic]:
    """Yield what is wrong in a project's schemas, expressions, mappings and routes."""
    yield from find_problems_of_records(project)
    yield from find_problems_of_settings(project)


def find_problems_of_settings(project: Project) -> Iterator[Diagnostic]:
    """Yield what depends on the settings of systems: addresses, credentials, limits."""
    yield from check_systems(project)
    yield from check_secrets(project)
    yield from check_settings(project)
    yield from check_contradictions(project)
    yield from check_alerts(project)
    yield from check_paths(project)


def find_problems_of_records(project: Project) -> Iterator[Diagnostic]:
    """Yield what no setting of a system (address, credentials, limits) changes: the way of records from schema to adapter."""
    own = list(check_own_functions(project))
    yield from own
    left_out = {"SF302"} if any(problem.code in {"SF350", "SF351"} for problem in own) else set()  # they may be there
    for check in (
        check_schemas,
        check_expressions,
        check_fields,
        check_constants,
        check_objects,
        check_groups,
        check_keys,
        check_adopting,
        check_ids,
        check_tables,
        check_envelopes,
        check_routes,
        check_relations,
        check_guards,
        check_competing,
        check_coverage,
        check_reach,
        check_rules,
        check_inference,
        check_unread_rules,
        check_generated,
        check_trials,
        _check_adapters,
        check_unused_files,
    ):
        yield from (problem for problem in check(project) if problem.code not in left_out)


def _check_adapters(project: Project) -> Iterator[Diagnostic]:
    """Yield what looks wrong in the adapters of the project that systems use; those that come with syncflow are checked by its tests."""
    used = dict.fromkeys(system.adapter for system in project.routes.model.systems.values())
    own = [adapter for name in used if (adapter := project.adapters[name]).model.speaks_http]
    own = [adapter for adapter in own if not is_shipped(adapter.path)]
    if own:
        from syncflow.compiler.checks.adapters import check_adapter_file  # noqa: PLC0415  # most projects have none of their own

        for adapter in own:
            yield from check_adapter_file(adapter)
