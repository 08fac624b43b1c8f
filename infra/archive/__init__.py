"""Reading the archive: what lies in a class's bucket, record by record, in the collector's form and the export's."""
