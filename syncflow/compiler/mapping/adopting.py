"""How a mapping adopts what is there already: by which fields it is looked for, and how their values are compared.

In: a mapping with ``adopt`` and the object's fields. Out: an ``AdoptPlan``, which the adapter engine carries out.
"""

from __future__ import annotations

from syncflow.compiler.texts import normaliser
from syncflow.compiler.wire.plans import AdoptPlan
from syncflow.config.models.mapping import MappingFile
from syncflow.config.project import Project


def adopt_of(project: Project, mapping: MappingFile) -> AdoptPlan:
    """Compile ``adopt`` of one mapping."""
    adapter, _, object_name = mapping.target.partition("/")
    fields = project.objects[adapter, object_name].model.fields
    return AdoptPlan(
        fields=mapping.adopt,
        rules={name: normaliser(fields.get(name)) for name in dict.fromkeys((*mapping.adopt, *mapping.key_names))},
        only_on_create=frozenset(name for name in mapping.fields if name in fields and fields[name].create_only),
    )
