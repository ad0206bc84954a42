package com.copperleaf.billing;

import java.io.IOException;
import java.io.InputStream;
import javax.xml.parsers.DocumentBuilder;
import javax.xml.parsers.DocumentBuilderFactory;
import javax.xml.parsers.ParserConfigurationException;
import org.springframework.stereotype.Component;
import org.w3c.dom.Document;
import org.w3c.dom.NodeList;
import org.xml.sax.SAXException;

@Component
public class InvoiceXmlReader {

    public static class UnreadableInvoice extends Exception {
        public UnreadableInvoice(String message, Throwable cause) {
            super(message, cause);
        }
    }

    public String readNumber(InputStream body) throws UnreadableInvoice {
        try {
            DocumentBuilderFactory factory = DocumentBuilderFactory.newInstance();
            factory.setNamespaceAware(true);
            DocumentBuilder builder = factory.newDocumentBuilder();
            Document document = builder.parse(body);
            return textOf(document, "InvoiceNumber");
        } catch (ParserConfigurationException | SAXException | IOException error) {
            throw new UnreadableInvoice("This is not an invoice we can read.", error);
        }
    }

    private static String textOf(Document document, String tag) {
        NodeList found = document.getElementsByTagNameNS("*", tag);
        return found.getLength() == 0 ? "" : found.item(0).getTextContent().trim();
    }
}
