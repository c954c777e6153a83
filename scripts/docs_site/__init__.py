"""The documentation as a site: the pages of the checkout, built by zensical. It links to no file that it lacks."""
