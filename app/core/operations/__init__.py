"""Operations as values: their steps, progress and outcome."""
