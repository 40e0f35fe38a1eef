"""For operators: health for monitors, the doctor for people, and the removal of expired rows."""
