package com.copperleaf.billing;

import java.io.InputStream;
import java.sql.SQLException;
import java.util.List;
import org.springframework.http.HttpStatus;
import org.springframework.http.ResponseEntity;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.PathVariable;
import org.springframework.web.bind.annotation.PostMapping;
import org.springframework.web.bind.annotation.RequestMapping;
import org.springframework.web.bind.annotation.RequestParam;
import org.springframework.web.bind.annotation.RestController;

@RestController
@RequestMapping("/invoices")
public class InvoiceController {

    private final InvoiceRepository invoices;
    private final InvoiceXmlReader reader;

    public InvoiceController(InvoiceRepository invoices, InvoiceXmlReader reader) {
        this.invoices = invoices;
        this.reader = reader;
    }

    @GetMapping("/{id}")
    public ResponseEntity<Invoice> show(@PathVariable long id) throws SQLException {
        return ResponseEntity.of(invoices.findById(id));
    }

    @GetMapping
    public List<Invoice> list(@RequestParam String customer) throws SQLException {
        return invoices.findByCustomer(customer);
    }

    @GetMapping("/open")
    public List<Invoice> open() throws SQLException {
        return invoices.findByStatus(Invoice.Status.OPEN);
    }

    @PostMapping("/rename")
    public int rename(@RequestParam String from, @RequestParam String to) throws SQLException {
        return invoices.rename(from, to);
    }

    /** Suppliers send their invoices as XML. */
    @PostMapping("/incoming")
    public ResponseEntity<String> incoming(InputStream body) {
        try {
            return ResponseEntity.status(HttpStatus.CREATED).body(reader.readNumber(body));
        } catch (InvoiceXmlReader.UnreadableInvoice error) {
            return ResponseEntity.unprocessableEntity().body(error.getMessage());
        }
    }
}
