"""What a site shows beside single cells: analyses over images, of pairs, of weights."""
