"""From texts to ids: tokenizers, and data sets as models read them."""
