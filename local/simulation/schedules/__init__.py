"""What a seed decides, and how a schedule that fails is made smaller."""
