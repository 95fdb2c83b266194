"""The program: settings, the Library façade, the command line, the web server."""
