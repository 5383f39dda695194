"""A blueprint in words: tables of states and transitions, equations, and the graph that a picture draws."""

from pajamo.models.assays.description.diagram import Diagram, Edge, Node, diagram
from pajamo.models.assays.description.equations import equations
from pajamo.models.assays.description.tables import state_table, transition_table

__all__ = ["Diagram", "Edge", "Node", "diagram", "equations", "state_table", "transition_table"]
