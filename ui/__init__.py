"""The web page: Gradio Blocks over the `Library`, one module a tab."""
