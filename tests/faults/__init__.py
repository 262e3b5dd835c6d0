"""The fault matrix: everything that can go wrong with a source, done to the feeds beside the local venue, and measured."""
