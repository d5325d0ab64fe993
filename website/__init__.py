"""The documentation as a site: `make site` stages the repository's Markdown, lets Zensical build it, and refuses dead links.

The pages stay what they are, readable where the repository is read; `navigation.yaml` says where each stands.
"""
