"""Files over several cells: averages over images, similarity, pairs of models, weights, teaser."""
