"""A day of feeds at a hundred symbols with everything going wrong that ends by itself: `python -m tests.soak`."""
