"""Small defects at random places of the app's code, and the check that the simulation or a unit test detects them."""
