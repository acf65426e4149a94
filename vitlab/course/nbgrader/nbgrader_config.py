"""Settings of nbgrader, written by `vitlab export nbgrader`: see README.md.

A later export writes this file anew. Settings of your own go into nbgrader_config.json beside it, which nbgrader reads
as well.
"""

from nbgrader.converters import GenerateAssignment
from nbgrader.preprocessors import ClearSolutions

from vitlab.course.execute import CELL_TIMEOUT
from vitlab.course.nbgrader.stubs import ClearToStubs

c = get_config()  # noqa: F821  (nbgrader hands it to this file)

c.CourseDirectory.course_id = "vitlab"

steps = GenerateAssignment().preprocessors
c.GenerateAssignment.preprocessors = [ClearToStubs if step is ClearSolutions else step for step in steps]

# An experiment trains small models: nbgrader's own limit of 30 seconds would stop it half way.
c.Execute.timeout = CELL_TIMEOUT
# Optional cells download published weights, hundreds of megabytes for each submission, and earn no points.
c.Execute.skip_cells_with_tag = "optional"

# nbgrader takes whatever a check's cell writes to stderr for a failure. A wrong answer raises an exception here, so a
# warning need cost nothing: what stands on stderr is taken out before the points are given.
c.IgnorePattern.enabled = True
c.IgnorePattern.pattern = ".*"
