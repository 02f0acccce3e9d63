# The parts of a long conversation that are not on the page yet.

lazy-earlier = Earlier messages
lazy-later = Later messages
